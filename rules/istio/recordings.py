"""Traffic of the mesh: each edge, from a workload to a service, counted once."""

from __future__ import annotations

from model.metrics import Unit
from model.rules import Recording
from rules.istio.scrape import RAW
from rules.services.labels import SERVICE, classed, renamed
from rules.services.recordings import failing

EDGE = f"{SERVICE}, source_namespace, source"
"""Labels of an edge: ``service`` is the Kubernetes Service that is called, since the workload behind it is unknown when
none answers. ``source`` is the workload that calls; outside the mesh it is ``unknown``."""
_LABELS = {
    "source": "source_workload",
    "source_namespace": "source_workload_namespace",
    "service": "destination_service_name",
    "namespace": "destination_service_namespace",
}
_POLICY = "connection_security_policy"
_REPORTERS = ("source", "waypoint", "destination")
"""Proxies that count the same request, from the client's on: only the first sees that nobody answered."""

REQUESTS_REPORTED = "mesh_edge_reporter:requests:rate5m"
BYTES_REPORTED = "mesh_edge_reporter:tcp_bytes:rate5m"
REQUESTS = "mesh_edge:requests:rate5m"
"""Requests per second by EDGE and ``status``, a class. The label ``reporter`` says who counted them."""
BYTES = "mesh_edge:tcp_bytes:rate5m"
"""Bytes per second of TCP connections, both ways."""
ERRORS = "mesh_service:requests:error_ratio5m"
BUCKETS = "mesh_service:request_duration_milliseconds_bucket:rate5m"
"""Requests per second by SERVICE and ``le``: about 20 series of each service, of which a panel makes each quantile."""
P95 = "mesh_service:request_duration_seconds:p95_5m"
STARTED = "mesh_service_policy:started:rate5m"
"""Requests and TCP connections per second, by ``connection_security_policy``, where it is known."""
MTLS = "mesh_service:mtls:ratio5m"
"""Share of a service's requests and TCP connections that had mutual TLS."""


def recordings() -> tuple[Recording, ...]:
    # A client that gives up has no code.
    requests = _edges('rate(istio_requests_total{response_code!="0"}[5m])', "response_code, grpc_response_status")
    # gRPC fails with a status of its own and the code 200.
    coded = renamed(requests, "code", "response_code", "grpc_response_status")
    # A WebSocket lasts as long as the client wants.
    timed = _edges('rate(istio_request_duration_milliseconds_bucket{response_code!~"0|101"}[5m])', "le")
    of_first = f"{timed} and on ({EDGE}, reporter) {REQUESTS}"
    bytes_ = " + ".join(f"rate(istio_tcp_{which}_bytes_total[5m])" for which in ("sent", "received"))
    # The server's side knows the policy, the client's does not.
    known = '{reporter!="source", connection_security_policy=~"mutual_tls|none"}'
    started = (f"rate({name}{known}[5m])" for name in ("istio_requests_total", "istio_tcp_connections_opened_total"))
    secured, all_ = (
        f"sum by ({SERVICE}) ({STARTED}{matcher})" for matcher in ('{connection_security_policy="mutual_tls"}', "")
    )
    return (
        Recording(
            name=REQUESTS_REPORTED,
            expr=f"sum by ({EDGE}, reporter, status) ({classed(coded)})",
            unit=Unit.PER_SECOND,
        ),
        Recording(name=REQUESTS, expr=_once(REQUESTS_REPORTED), unit=Unit.PER_SECOND),
        Recording(name=ERRORS, expr=failing(REQUESTS, SERVICE), unit=Unit.RATIO),
        Recording(name=BUCKETS, expr=f"sum by ({SERVICE}, le) ({of_first})", unit=Unit.PER_SECOND),
        Recording(
            name=P95,
            expr=f"histogram_quantile(0.95, {BUCKETS}) / 1000 >= 0",
            unit=Unit.SECONDS,
        ),
        Recording(name=BYTES_REPORTED, expr=_edges(bytes_), unit=Unit.BYTES_PER_SECOND),
        Recording(name=BYTES, expr=_once(BYTES_REPORTED), unit=Unit.BYTES_PER_SECOND),
        Recording(
            name=STARTED,
            expr=f"sum by ({SERVICE}, {_POLICY}) ({_edges(' or '.join(started), _POLICY)})",
            unit=Unit.PER_SECOND,
        ),
        Recording(name=MTLS, expr=f"({secured} or {all_} * 0) / ({all_} > 0)", unit=Unit.RATIO),
    )


def _edges(rates: str, more: str = "") -> str:
    """Sum of rates by EDGE, ``reporter`` and ``more``."""
    own = f", {more}" if more else ""
    vector = f"sum by (cluster, environment, {', '.join(RAW.split())}{own}) ({rates})"
    for label, source in _LABELS.items():
        vector = renamed(vector, label, source)
    return f"sum by ({EDGE}, reporter{own}) ({vector})"


def _once(reported: str) -> str:
    """Of the reporters of each edge the first."""
    return " or ".join(
        f'{reported}{{reporter="{name}"}}'
        + (f' unless on ({EDGE}) {reported}{{reporter=~"{"|".join(_REPORTERS[:place])}"}}' if place else "")
        for place, name in enumerate(_REPORTERS)
    )
