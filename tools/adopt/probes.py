"""Probes as addresses that the stack probes itself."""

from __future__ import annotations

from collections.abc import Iterable

from rules.monitoring import MonitoringSettings
from tools.adopt.notes import Fields, Notes
from tools.adopt.objects import Given
from tools.adopt.scraped import REASONS
from tools.adopt.trial import refused

_HTTP = ("", "http", "http_2xx")
"""Modules that ask what the stack's own probe asks: by GET, with a status below 300 after redirects."""
_OWN = "the stack's own job probes has it for all addresses"
_LOGIN = "the stack probes without a login: probe an address that needs none"
_REASONS = {
    **REASONS,
    **dict.fromkeys(("url", "scheme", "path"), "the stack has a prober of its own"),
    "interval": _OWN,
    "scrapeTimeout": _OWN,
    "jobName": "its job is called probes",
    "metricRelabelings": _OWN,
    "params": _OWN,
    "tlsConfig": "it is about the way to the prober, which is the stack's own",
    "basicAuth": _LOGIN,
    "bearerTokenSecret": _LOGIN,
    "authorization": _LOGIN,
    **dict.fromkeys(
        ("sampleLimit", "targetLimit", "labelLimit", "labelNameLengthLimit", "labelValueLengthLimit"), _OWN
    ),
}


def probes(objects: Iterable[Given], notes: Notes) -> list[str]:
    """Addresses for ``systems.monitoring.probes``."""
    found: list[str] = []
    for each in objects:
        for where, url in _addresses(each.spec(notes), each.where, notes):
            if wrong := refused(MonitoringSettings, {"probes": [*found, url]}):
                notes.lost(where, wrong)
            elif url not in found:
                found.append(url)
    return found


def _addresses(spec: Fields, where: str, notes: Notes) -> list[tuple[str, str]]:
    module = spec.text("module")
    prober = spec.part("prober")
    prober.rest(_REASONS)
    targets = spec.part("targets")
    static = targets.part("staticConfig")
    urls = [str(each) for each in static.many("static")]
    static.rest({"labels": "what the stack probes has the label instance alone", "relabelingConfigs": _OWN})
    if targets.take("ingress"):
        notes.lost(targets.at("ingress"), "the stack finds no Ingresses: name the URLs in systems.monitoring.probes")
    targets.rest()
    spec.rest(_REASONS)
    if module not in _HTTP:
        why = f"{module}: the stack asks by HTTP GET for a status below 300: probe another address in that way"
        notes.lost(f"{where}: module", why)
        return []
    return [
        (f"{where}: targets.staticConfig.static[{position}]", url if "://" in url else f"http://{url}")
        for position, url in enumerate(urls)
    ]
