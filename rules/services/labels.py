"""PromQL that gives the series of every source the same labels."""

from __future__ import annotations

from rules.histograms import with_label
from rules.kubernetes.recordings import POD_OWNER

SERVICE = "cluster, environment, namespace, service"
"""Labels of a service: its namespace, and as ``service`` the workload that owns its pods. Where no workload is known,
as outside the cluster, it is what the process calls itself."""
SAME = "cluster, namespace, service"
NAMED = "{{ $labels.service }}{{ with $labels.namespace }} ({{ . }}){{ end }}"
"""How alerts call a service."""
MOST = 100
"""Maximum of routes of one service, and of hosts that it calls. More are ids in paths, or one host per customer: nobody
reads them, and each costs series."""
OTHER = "other"
"""The route of all others."""

_WORKLOADS = ("k8s_daemonset_name", "k8s_statefulset_name", "k8s_deployment_name")


def renamed(vector: str, target: str, *sources: str, matched: str = "(.+)") -> str:
    """``vector`` with the label ``target``: of the ``sources`` that a series has, the last."""
    for source in sources:
        vector = fixed(vector, target, "$1", source, matched)
    return vector


def fixed(vector: str, target: str, value: str, source: str = "", matched: str = "") -> str:
    """``vector`` with a label of this value, where ``source`` is ``matched``."""
    return f'label_replace({vector}, "{target}", "{value}", "{source}", "{matched}")'


# --- the service ---


def sent(vector: str) -> str:
    """With the service that a process names in its resource."""
    return renamed(renamed(vector, "namespace", "k8s_namespace_name"), "service", "service_name", *_WORKLOADS)


def found(vector: str, *, owners: bool) -> str:
    """With the service of scraped or pushed series; ``owners`` says whether the workloads of pods are known."""
    if owners:
        pod = "cluster, namespace, pod"
        # All other targets are among these. One of them has no pod, and matches everything that is pushed.
        known = f"group by ({pod}, workload) ({POD_OWNER}) or on ({pod}) group by ({pod}) (up)"
        vector = f"({vector}) * on ({pod}) group_left (workload) ({known})"
    names = ("service", "app", "service_name", *_WORKLOADS, *(("workload",) if owners else ()))
    # By way of a label that every series has, since the job is the last resort.
    return renamed(renamed(renamed(vector, "namespace", "k8s_namespace_name"), "job", *names), "service", "job")


# --- the route ---


def routed(vector: str) -> str:
    """With ``route``: of the labels that client libraries have for it the best, since a path may hold ids and a route
    is what the author wrote; OpenTelemetry's; or the service and method of gRPC.
    """
    # A span of gRPC is called by these, in some languages after a slash, and one of HTTP by method and path. Newer
    # conventions have both in the method of gRPC, older ones in two labels.
    called = fixed(vector, "path", "$1$2", "span_name", "/?([^ /]+/[^ /]+)|[A-Z]+ (/.*)")
    joined = f'label_join({called}, "rpc", "/", "rpc_service", "rpc_method")'
    called = renamed(joined, "path", "rpc", matched="/*(.+/.+)")
    return renamed(renamed(called, "path", "endpoint", "handler", "route", "http_route"), "route", "path")


# --- the status ---


def _of_grpc(*names: str) -> str:
    """Names of gRPC's codes, as the specification spells them and as Go's libraries do: `DATA_LOSS`, `DataLoss`."""
    return "|".join((*names, *(name.title().replace("_", "") for name in names)))


_ERROR_OF_GRPC = _of_grpc("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
_CLASSES = (
    ("${1}xx", "([123])[0-9x]{2}"),
    # gRPC has codes and names of its own. Those that are no error of the server are the client's.
    ("4xx", "4[0-9x]{2}|[1-9]|1[0-6]|[A-Z][A-Za-z_]+"),
    ("2xx", "0|OK"),
    ("5xx", f"5[0-9x]{{2}}|2|4|1[2-5]|{_ERROR_OF_GRPC}"),
    ("401", f"401|16|{_of_grpc('UNAUTHENTICATED')}"),
    ("403", f"403|7|{_of_grpc('PERMISSION_DENIED')}"),
    ("429", f"429|8|{_of_grpc('RESOURCE_EXHAUSTED')}"),
)
"""Values of ``status`` and their codes; of several that match, the last counts. Three codes have values of their own,
since they have their own causes."""
CLIENTS = "4xx|401|403|429"


def answered(vector: str) -> str:
    """With ``method`` and ``status``: the class of the code; empty when unknown.

    A request without an answer has no code, and counts as the server's error.
    """
    broken = fixed(vector, "code", "500", "error_type", ".+")
    coded = renamed(renamed(broken, "code", "status"), "code", "status_code", matched="([0-9].+)")
    coded = renamed(coded, "code", "rpc_grpc_status_code", "http_status_code")
    # JSON-RPC has negative codes, which say nothing of whose fault it is.
    coded = renamed(coded, "code", "rpc_response_status_code", "http_response_status_code", matched="([^-].*)")
    return renamed(classed(coded), "method", "http_request_method")


def classed(coded: str) -> str:
    """With ``status`` by the label ``code``."""
    coded = fixed(coded, "status", "")
    for status, matched in _CLASSES:
        coded = fixed(coded, "status", status, "code", matched)
    return coded


# --- the most frequent ---


def bounded(vector: str, present: str, by: str, label: str, kept: str) -> str:
    """Sum by ``by``. Values of ``label`` that are not ``kept`` for a service become OTHER.

    ``present`` has the series of ``vector``, and is read for one moment only: a tenth of what a rate reads.
    """
    key = f"{SERVICE}, {label}"
    # A series without the label is not one of the others, so kept values are marked.
    marked = fixed(kept, "kept", "=$1", label, "(.*)")
    rest = with_label(present, "kept", "")
    named = f"{vector} * on ({key}) group_left (kept) group by ({key}, kept) ({marked} or on ({key}) {rest})"
    return f"sum by ({by}) ({fixed(fixed(named, label, OTHER), label, '$1', 'kept', '=(.*)')})"


# --- durations ---


def in_seconds(vector: str) -> str:
    """Buckets of milliseconds, with ends in seconds."""
    for digits, to in ((r"(\\d)", "0.00$1$2"), (r"(\\d{2})", "0.0$1$2"), (r"(\\d{3})", "0.$1$2")):
        vector = fixed(vector, "le", to, "le", rf"{digits}(?:\\.(\\d+))?")
    return fixed(vector, "le", "$1.$2$3", "le", r"(\\d+)(\\d{3})(?:\\.(\\d+))?")
