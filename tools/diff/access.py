"""Permissions that are widened: roles, network policies, pod security, ways in from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.settings.accepted import Gate
from tools.diff.change import Change, Danger, Section, listed, several
from tools.diff.objects import at, containers, title
from tools.diff.renders import Key, Render

Made = Mapping[str, Any]
_LEVELS = ("restricted", "baseline", "privileged", None)
"""Pod Security Standards, the strictest first; without a label nothing is enforced."""
_ENFORCE = "pod-security.kubernetes.io/enforce"


def compare(old: Render, new: Render) -> Iterator[Change]:
    """One sentence for all objects of a kind that change alike."""
    alike: dict[tuple[str, str, Danger, Gate | None], list[str]] = {}
    for key, change in _changes(old, new):
        alike.setdefault((key[0], change.text, change.danger, change.gate), []).append(title(key))
    for (kind, text, danger, gate), titles in alike.items():
        names = [each.removeprefix(f"{kind} ") for each in titles]
        yield Change(Section.RUN, f"{several(kind, names)}: {text}", danger, gate)


def _changes(old: Render, new: Render) -> Iterator[tuple[Key, Change]]:
    for key in sorted(new.objects):
        was, now = old.objects.get(key), new.objects[key]
        if was == now:
            continue
        kind = key[0]
        if kind in ("ClusterRole", "Role"):
            yield from ((key, each) for each in _rules(was, now))
        elif kind == "NetworkPolicy":
            yield from ((key, each) for each in _policy(was, now, new_pods=_new_pods(key, old, new)))
        elif kind == "Namespace":
            yield from ((key, each) for each in _namespace(was, now))
        elif kind == "Service":
            yield from ((key, each) for each in _service(was, now))
        elif kind == "Ingress":
            yield from ((key, each) for each in _ingress(was, now))
        elif at(now, "spec.template") is not None:
            yield from ((key, each) for each in _pods(was, now))

    yield from _bindings(old, new)


def _widened(text: str) -> Change:
    return Change(Section.RUN, text, Danger.LOSS, "access-widened")


def _rules(was: Made | None, now: Made) -> Iterator[Change]:
    before, after = (_granted(side) for side in (was, now))
    if was is not None and after - before:
        yield _widened(f"may now {listed(sorted(after - before))}")
    if before - after:
        yield Change(Section.RUN, f"may no longer {listed(sorted(before - after))}", Danger.CAUTION)


def _granted(role: Made | None) -> set[str]:
    return {
        f"{verb} {thing}"
        for rule in (role or {}).get("rules") or ()
        for verb in rule.get("verbs", ())
        for thing in (*_things(rule), *rule.get("nonResourceURLs", ()))
    }


def _things(rule: Made) -> Iterator[str]:
    names = f" named {', '.join(rule['resourceNames'])}" if rule.get("resourceNames") else ""
    for group in rule.get("apiGroups", ()):
        for resource in rule.get("resources", ()):
            yield f"{resource}{f'.{group}' if group else ''}{names}"


def _new_pods(policy: Key, old: Render, new: Render) -> bool:
    """Whether a policy's pods are new as well; they have its name."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet")
    had, has = (any((kind, *policy[1:]) in side.objects for kind in kinds) for side in (old, new))
    return has and not had


def _policy(was: Made | None, now: Made, *, new_pods: bool) -> Iterator[Change]:
    if was is None and (new_pods or at(now, "metadata.name") == "deny-all"):
        return
    for direction, word in (("ingress", "lets in"), ("egress", "lets out to")):
        before, after = (_peers(side, direction) if side is not None else set() for side in (was, now))
        come = sorted(after - before)
        wide, named = ([each for each in come if _wide(each) is is_wide] for is_wide in (True, False))
        if wide:
            yield _widened(f"now {word} {listed(wide, 4)}")
        if named:
            yield Change(Section.RUN, f"now {word} {listed(named, 4)}", Danger.CAUTION)
        if before - after:
            yield Change(Section.RUN, f"no longer {word} {listed(sorted(before - after), 4)}", Danger.CAUTION)
    if was is not None and at(was, "spec.podSelector") != at(now, "spec.podSelector"):
        yield _widened("restricts other pods than before")


def _wide(peer: str) -> bool:
    """Whether it is anything but pods that are named by a label, of themselves or of their namespace."""
    return "=" not in peer


_ANYBODY = "everybody at any port"


def _peers(policy: Made, direction: str) -> set[str]:
    """Who is let through, at which port. A direction that is no type of the policy is not restricted by it."""
    types = at(policy, "spec.policyTypes")
    if types is None:  # the API server's default
        types = ["Ingress", *(["Egress"] if at(policy, "spec.egress") else [])]
    if direction.capitalize() not in types:
        return {_ANYBODY}
    found: set[str] = set()
    for rule in at(policy, f"spec.{direction}") or ():
        peers = rule.get("from" if direction == "ingress" else "to") or [{}]
        ports = rule.get("ports") or [{}]
        found |= {f"{_peer(peer)} at {_port(port)}" for peer in peers for port in ports}
    return found


def _peer(peer: Made) -> str:
    if not peer:
        return "everybody"
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    words = []
    for field, noun in (("podSelector", "pods"), ("namespaceSelector", "namespaces")):
        if field in peer:
            labels = peer[field].get("matchLabels") or {}
            rest = {name: value for name, value in peer[field].items() if name != "matchLabels"}
            text = ", ".join([*(f"{k}={v}" for k, v in sorted(labels.items())), *([json.dumps(rest)] if rest else [])])
            words.append(f"{noun} {text}" if text else f"all {noun}")
    return " of ".join(words)


def _port(port: Made) -> str:
    if not port:
        return "any port"
    last = f"-{port['endPort']}" if "endPort" in port else ""
    return f"{port.get('port', 'any port')}{last}/{port.get('protocol', 'TCP')}"


def _namespace(was: Made | None, now: Made) -> Iterator[Change]:
    before, after = ((at(side, "metadata.labels") or {}).get(_ENFORCE) for side in (was, now))
    strict, open_ = (_LEVELS.index(level) if level in _LEVELS else len(_LEVELS) for level in (before, after))
    if was is None:
        if open_:
            yield _widened(f"new, with the Pod Security Standard {after or 'privileged, as without a label'}")
    elif open_ > strict:
        yield _widened(f"Pod Security Standard {before} -> {after or 'none'}")


def _service(was: Made | None, now: Made) -> Iterator[Change]:
    before, after = (at(side, "spec.type") or "ClusterIP" for side in (was, now))
    if before != after and after in ("NodePort", "LoadBalancer"):
        yield _widened(f"{before} -> {after}: reachable from outside the cluster")


def _ingress(was: Made | None, now: Made) -> Iterator[Change]:
    before, after = ({rule.get("host", "any host") for rule in at(side, "spec.rules") or ()} for side in (was, now))
    if after - before:
        yield _widened(f"reachable as {listed(sorted(after - before))}")
    if was is not None and at(was, "spec.tls") and not at(now, "spec.tls"):
        yield _widened("without TLS")


def _bindings(old: Render, new: Render) -> Iterator[tuple[Key, Change]]:
    """What accounts may do by a binding that they could not do by it before."""
    for key in sorted(new.objects):
        if not key[0].endswith("Binding") or old.objects.get(key) == new.objects[key]:
            continue
        before, after = (_bound(key, side) for side in (old, new))
        for who in sorted(after):
            if who not in before:
                yield key, _widened(f"{who} may now {listed(sorted(after[who])) or 'do what its role grants'}")
            elif more := after[who] - before[who]:
                yield key, _widened(f"{who} may now {listed(sorted(more))}")


def _bound(key: Key, side: Render) -> dict[str, set[str]]:
    """Verbs and resources by account."""
    binding = side.objects.get(key) or {}
    role = binding.get("roleRef") or {}
    kind = str(role.get("kind", ""))
    granted = side.objects.get((kind, "" if kind == "ClusterRole" else key[1], str(role.get("name", ""))))
    grants = _granted(granted) if granted is not None else {f"what {kind} {role.get('name')} grants"}
    return {
        f"{who['kind']} {who['namespace']}/{who['name']}"
        if "namespace" in who
        else f"{who['kind']} {who['name']}": grants
        for who in binding.get("subjects") or ()
    }


def _pods(was: Made | None, now: Made) -> Iterator[Change]:
    more = _freedoms(now) - (_freedoms(was) if was is not None else set())
    lost = sorted({freedom for _, freedom in more})
    if lost:
        yield _widened(f"its pods are less restricted: {listed(lost)}" if was else f"new, its pods have {listed(lost)}")


def _freedoms(made: Made) -> set[tuple[str, str]]:
    """What its pods and each of its containers may do beyond the restricted Pod Security Standard."""
    pods = at(made, "spec.template.spec") or {}
    found = {("", name) for name in ("hostNetwork", "hostPID", "hostIPC") if pods.get(name)}
    found |= {("", f"host path {v['hostPath']['path']}") for v in pods.get("volumes", ()) if "hostPath" in v}
    of_pod = pods.get("securityContext") or {}
    for container in containers(made):
        context = {**of_pod, **(container.get("securityContext") or {})}
        added, dropped = ((context.get("capabilities") or {}).get(word, ()) for word in ("add", "drop"))
        words = [f"capability {each}" for each in added]
        words += [
            word
            for word, has in {
                "privileged containers": context.get("privileged"),
                "privilege escalation": context.get("allowPrivilegeEscalation", True),
                "a writable root file system": not context.get("readOnlyRootFilesystem"),
                "a right to run as root": not context.get("runAsNonRoot"),
                "default capabilities": "ALL" not in dropped,
                "no seccomp profile": not context.get("seccompProfile"),
            }.items()
            if has
        ]
        found |= {(container["name"], word) for word in words}
    return found
