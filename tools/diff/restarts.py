"""Which pods restart, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.diff.change import Change, Danger, Section
from tools.diff.objects import at, containers, title
from tools.diff.renders import Render

Made = Mapping[str, Any]
_REASONS = {
    "image": "another image",
    "resources": "other requests or limits",
    "args": "other arguments",
    "command": "other arguments",
    "env": "other environment variables",
    "volumeMounts": "other mounts",
    "ports": "other ports",
    "securityContext": "another security context",
    "livenessProbe": "other probes",
    "readinessProbe": "other probes",
    "startupProbe": "other probes",
}
"""Fields of a container."""


def compare(old: Render, new: Render) -> Iterator[Change]:
    for key in sorted(old.objects.keys() & new.objects.keys()):
        was, now = old.objects[key], new.objects[key]
        before, after = at(was, "spec.template"), at(now, "spec.template")
        if before is not None and before != after:
            text = f"{title(key)}: its pods restart: {', '.join(_why(was, now))}"
            single = key[0] != "DaemonSet" and at(now, "spec.replicas") == 1
            text += "; there is one pod, so it is away meanwhile" if single else ""
            yield Change(Section.RUN, text, Danger.CAUTION)


def _why(was: Made, now: Made) -> list[str]:
    old, new = at(was, "spec.template"), at(now, "spec.template")
    found: list[str] = []
    notes, other = (at(side, "metadata.annotations") or {} for side in (old, new))
    for name in sorted(notes.keys() | other.keys()):
        if notes.get(name) != other.get(name):
            reasons = {"checksum/config": "its configuration changed", "checksum/secrets": "another set of secrets"}
            found.append(reasons.get(name, f"annotation {name}"))
    if at(old, "metadata.labels") != at(new, "metadata.labels"):
        found.append("other labels")
    before, after = ({c["name"]: c for c in containers(side)} for side in (was, now))
    if before.keys() != after.keys():
        found.append("other containers")
    for name in sorted(before.keys() & after.keys()):
        fields = before[name].keys() | after[name].keys()
        differ = [each for each in sorted(fields) if before[name].get(each) != after[name].get(each)]
        found += [_REASONS.get(each, f"other {each}") for each in differ]
    pods, now_pods = at(old, "spec") or {}, at(new, "spec") or {}
    rest = sorted(
        name
        for name in pods.keys() | now_pods.keys()
        if name not in ("containers", "initContainers") and pods.get(name) != now_pods.get(name)
    )
    found += [f"other {name}" for name in rest]
    return list(dict.fromkeys(found))
