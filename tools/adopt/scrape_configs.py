"""ScrapeConfigs, and the ``additionalScrapeConfigs`` of a values file, as scrape jobs: one for each list of targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tools.adopt import client
from tools.adopt.monitors import stands
from tools.adopt.notes import Fields, filled
from tools.adopt.scraped import DEFAULTS, REASONS, Jobs, asked, limits

_SOURCES = "the stack has static, HTTP, DNS, EC2, Azure and GCE targets"
_KEYS = "machines are found with the identity of Prometheus's service account or node: docs/targets.md"
_REASONS: Mapping[str, str] = {
    **REASONS,
    "fileSDConfigs": "it is a file in the old server's pod: write its groups into `file`, or offer the list over HTTP",
    "kubernetesSDConfigs": "write a job with `service` or `pods`: each has its own relabelling and network policy",
    **dict.fromkeys(
        (
            f"{name}SDConfigs"
            for name in (
                *("consul", "digitalOcean", "docker", "dockerSwarm", "eureka", "hetzner", "ionos", "kuma", "lightSail"),
                *("linode", "nomad", "openstack", "ovhcloud", "puppetDB", "scaleway", "marathon", "nerve", "serverset"),
                *("uyuni", "triton", "vultr", "stackit"),
            )
        ),
        _SOURCES,
    ),
}
_OF_SOURCE = {
    **REASONS,
    **dict.fromkeys(("accessKey", "secretKey", "clientSecret", "clientID", "tenantID"), _KEYS),
    "environment": "the stack knows Azure's public cloud",
    "tagSeparator": "Prometheus's default holds, a comma",
}


def scrape_config(spec: Fields, namespace: str, name: str, jobs: Jobs) -> None:
    """Adds the jobs of one configuration."""
    called = spec.text("jobName") or name
    if stands(called, {}, spec.where, jobs.notes):
        return
    common = asked(spec, namespace, path="metricsPath", interval="scrapeInterval", called=called)
    common |= filled(limits=limits(spec))
    scheme = common.get("scheme", "http")
    found = [
        *_static(spec.parts("staticConfigs"), scheme),
        *(each for field, read in _READ.items() for part in spec.parts(field) if (each := read(part, namespace))),
    ]
    spec.rest(_REASONS, DEFAULTS)
    if not found:
        spec.lost(f"none of its targets is carried over: {_SOURCES}")
    for source in found:
        # As the operator calls it.
        was = called if spec.given.get("jobName") else f"scrapeConfig/{namespace}/{name}"
        jobs.add({**source, **common}, called, spec.where, was)


def _static(configs: list[Fields], scheme: str) -> Iterator[dict[str, Any]]:
    groups = []
    for part in configs:
        targets = [_with_port(str(each), scheme) for each in part.many("targets")]
        groups.append(filled(targets=targets, labels=part.texts("labels")))
        part.rest()
    groups = [each for each in groups if each.get("targets")]
    if len(groups) == 1 and "labels" not in groups[0]:
        yield {"targets": groups[0]["targets"]}
    elif groups:
        yield {"file": {"groups": groups}}


def _with_port(target: str, scheme: str) -> str:
    """As Prometheus reads it: without a port, that of the scheme."""
    bare = target.rpartition("]")[2] if target.startswith("[") else target
    return target if ":" in bare else f"{target}:{443 if scheme == 'https' else 80}"


def _http(given: Fields, namespace: str) -> dict[str, Any] | None:
    url = given.text("url")
    secure = url.startswith("https://")
    made = {
        "url": url,
        **filled(
            refresh=given.text("refreshInterval"),
            **client.login(given, namespace),
            tls=client.tls(given.part("tlsConfig"), namespace, secure=secure),
        ),
        # Only the list itself says them, and it is asked later.
        "ports": [443 if secure else 80],
    }
    given.notes.check(given.where, "set http.ports to the ports of the targets, which the network policy opens")
    given.rest(_OF_SOURCE, DEFAULTS)
    return {"http": made}


def _dns(given: Fields, _namespace: str) -> dict[str, Any] | None:
    kind, port = given.text("type") or "SRV", given.take("port")
    made = filled(names=given.take("names"), type="" if kind == "A" else kind, refresh=given.text("refreshInterval"))
    given.rest()
    if kind not in ("A", "AAAA", "SRV"):
        given.lost(f"type: {kind}: A, AAAA and SRV are resolved")
        return None
    if port is None:
        given.notes.check(given.at("port"), "set dns.port to the port of the targets, which the network policy opens")
    return {"dns": {**made, "port": port or 443}}


def _ec2(given: Fields, _namespace: str) -> dict[str, Any] | None:
    filters = {each.text("name"): each.many("values") for each in given.parts("filters")}
    made = filled(
        region=given.text("region"),
        filters=filters,
        roleArn=given.text("roleARN"),
        refresh=given.text("refreshInterval"),
    )
    return {"ec2": {**made, "port": _port(given)}}


def _azure(given: Fields, _namespace: str) -> dict[str, Any] | None:
    method = given.text("authenticationMethod") or "OAuth"
    if method not in ("ManagedIdentity", "SDK"):
        given.notes.check(given.at("authenticationMethod"), f"{method}: {_KEYS}")
    made = filled(
        subscriptionId=given.text("subscriptionID"),
        resourceGroup=given.text("resourceGroup"),
        refresh=given.text("refreshInterval"),
    )
    return {"azure": {**made, "port": _port(given)}}


def _gce(given: Fields, _namespace: str) -> dict[str, Any] | None:
    made = filled(
        project=given.text("project"),
        zones=[given.text("zone")],
        filter=given.text("filter"),
        refresh=given.text("refreshInterval"),
    )
    return {"gce": {**made, "port": _port(given)}}


def _port(given: Fields) -> int:
    """Of machines; Prometheus's own default is 80."""
    port = given.take("port")
    given.rest(_OF_SOURCE, DEFAULTS)
    return port if isinstance(port, int) else 80


_READ: Mapping[str, Callable[[Fields, str], dict[str, Any] | None]] = {
    "httpSDConfigs": _http,
    "dnsSDConfigs": _dns,
    "ec2SDConfigs": _ec2,
    "azureSDConfigs": _azure,
    "gceSDConfigs": _gce,
}
