"""What is run: Kubernetes objects that come, go, are replaced or changed, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from model.quantities import Bytes, Cpu
from tools.diff.change import Change, Danger, Section, listed, several
from tools.diff.renders import Key, Render

Made = Mapping[str, Any]
IMMUTABLE = {
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy"),
    "Deployment": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "ClusterRoleBinding": ("roleRef",),
    "RoleBinding": ("roleRef",),
    "Service": ("spec.clusterIP",),
}
"""Fields that the API server refuses to change, so that the engine replaces the object. Claims are not among them: the
stack ignores changes of their spec, but for the size (``docs/decisions/0002``)."""
_DATA = {
    "PersistentVolumeClaim": "the claim and its data stay in the cluster, and nothing uses them",
    "Namespace": "everything in it is deleted, with its volumes",
}
"""Kinds with which data goes: claims are kept by the stack (``retain_on_delete``), namespaces are not."""


def title(key: Key) -> str:
    kind, namespace, name = key
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def compare(old: Render, new: Render) -> Iterator[Change]:
    before, after = old.objects, new.objects
    yield from _gone(before, [key for key in before if key not in after])
    come = [key for key in after if key not in before]
    for kind in sorted({key[0] for key in come}):
        names = sorted(title(key).removeprefix(f"{kind} ") for key in come if key[0] == kind)
        yield Change(Section.RUN, f"{several(kind, names)}: new")
    changed = sorted(key for key in after if key in before and before[key] != after[key])
    for key in changed:
        yield from _replaced(key, before[key], after[key])
    yield from _images(before, after)
    yield from _volumes(before, after)
    for kind in sorted({key[0] for key in changed}):
        names = [title(key).removeprefix(f"{kind} ") for key in changed if key[0] == kind]
        yield Change(Section.RUN, f"{several(kind, names)}: changed")
    yield from _content(old, new)
    yield from _requests(before, after)


def _gone(before: Mapping[Key, Made], gone: list[Key]) -> Iterator[Change]:
    for key in sorted(gone):
        kind, made = key[0], before[key]
        if kind in _DATA:
            yield Change(Section.RUN, f"{title(key)}: deleted: {_DATA[kind]}", Danger.LOSS, "data-lost")
        elif made.get("spec", {}).get("volumeClaimTemplates"):
            policy = made["spec"].get("persistentVolumeClaimRetentionPolicy", {}).get("whenDeleted", "Retain")
            if policy == "Delete":
                text = f"{title(key)}: deleted, with its volumes"
                yield Change(Section.RUN, text, Danger.LOSS, "data-lost")
            else:
                text = f"{title(key)}: deleted: its volumes stay until somebody deletes their claims"
                yield Change(Section.RUN, text, Danger.LOSS, "data-lost")
        elif kind == "NetworkPolicy":
            text = f"{title(key)}: deleted: it no longer restricts who reaches these pods"
            # Without its pods a policy restricts nobody.
            yield (
                Change(Section.RUN, text)
                if _pods_go(key, gone)
                else Change(Section.RUN, text, Danger.LOSS, "access-widened")
            )
    rest = sorted(key for key in gone if key[0] not in {*_DATA, "NetworkPolicy"} and not _keeps(before[key]))
    for kind in sorted({key[0] for key in rest}):
        names = [title(key).removeprefix(f"{kind} ") for key in rest if key[0] == kind]
        runs = kind in ("Deployment", "DaemonSet", "Ingress", "PodDisruptionBudget")
        yield Change(Section.RUN, f"{several(kind, names)}: deleted", Danger.CAUTION if runs else Danger.NOTE)


def _keeps(made: Made) -> bool:
    return bool(made.get("spec", {}).get("volumeClaimTemplates"))


def _pods_go(policy: Key, gone: list[Key]) -> bool:
    return any(kind in ("Deployment", "StatefulSet", "DaemonSet") and name == policy[2] for kind, _, name in gone)


def _replaced(key: Key, old: Made, new: Made) -> Iterator[Change]:
    fields = [path for path in IMMUTABLE.get(key[0], ()) if at(old, path) != at(new, path)]
    if not fields:
        return
    text = f"{title(key)}: replaced, because {', '.join(fields)} cannot change"
    yield Change(Section.STATE, text, Danger.CAUTION)


def at(made: Any, path: str) -> Any:
    """The field at a path, None if there is none."""
    for part in path.split("."):
        made = made.get(part) if isinstance(made, Mapping) else None
    return made


def containers(made: Made) -> list[Made]:
    """Containers of a workload's pods, also those that run before."""
    pods = at(made, "spec.template.spec") or {}
    return [*pods.get("initContainers", ()), *pods.get("containers", ())]


def _images(before: Mapping[Key, Made], after: Mapping[Key, Made]) -> Iterator[Change]:
    """One sentence for all workloads whose image changes alike."""
    alike: dict[tuple[str, str], list[str]] = {}
    for key in sorted(before.keys() & after.keys()):
        old, new = ({c["name"]: c["image"] for c in containers(side[key])} for side in (before, after))
        for name in sorted(old.keys() & new.keys()):
            if old[name] != new[name]:
                whose = title(key) if len(new) == 1 else f"{title(key)} ({name})"
                alike.setdefault((old[name], new[name]), []).append(whose)
    for (was, now), workloads in alike.items():
        yield Change(Section.RUN, f"image of {listed(workloads)}: {was} -> {now}", Danger.CAUTION)


def _volumes(before: Mapping[Key, Made], after: Mapping[Key, Made]) -> Iterator[Change]:
    for key in sorted(before.keys() & after.keys()):
        was, now = _claimed(before[key]), _claimed(after[key])
        if was == now:
            continue
        if was is not None and now is not None:
            grows = now > was
            text = f"volumes of {title(key)}: {Bytes(was)} -> {Bytes(now)}: "
            text += "expanded in place, without a restart" if grows else "refused: a volume cannot shrink"
            yield Change(Section.STATE, text, Danger.NOTE if grows else Danger.LOSS)
        else:
            text = f"{title(key)}: {'a volume' if was is None else 'its volume'} "
            text += "is added: the set must be deleted once" if was is None else "is no longer used"
            yield Change(Section.STATE, text, Danger.CAUTION)


def _claimed(made: Made) -> int | None:
    """Bytes of a workload's claim, or of a claim; None without one."""
    if made["kind"] == "PersistentVolumeClaim":
        return Bytes.parse(made["spec"]["resources"]["requests"]["storage"]).count
    claims = at(made, "spec.volumeClaimTemplates") or []
    return sum(Bytes.parse(c["spec"]["resources"]["requests"]["storage"]).count for c in claims) if claims else None


def _content(old: Render, new: Render) -> Iterator[Change]:
    """Grafana's content besides dashboards."""
    before, after = (
        {path: made for path, made in side.content.items() if not path.startswith("dashboards/")} for side in (old, new)
    )
    for path in sorted(before.keys() - after.keys()):
        yield Change(Section.RUN, f"Grafana's {path}: deleted", Danger.CAUTION)
    if come := sorted(after.keys() - before.keys()):
        yield Change(Section.RUN, f"Grafana's {', '.join(come)}: new")
    if other := sorted(path for path in before.keys() & after.keys() if before[path] != after[path]):
        yield Change(Section.RUN, f"Grafana's {', '.join(other)}: changed")


def _requests(before: Mapping[Key, Made], after: Mapping[Key, Made]) -> Iterator[Change]:
    for every_node, where in ((False, "in total, besides node agents"), (True, "on each node")):
        was, now = (_sum(side, every_node=every_node) for side in (before, after))
        if was != now:
            parts = (f"{name} {was[name]} -> {now[name]}" for name in was if was[name] != now[name])
            yield Change(Section.RUN, f"requested {where}: {', '.join(parts)}")


def _sum(objects: Mapping[Key, Made], *, every_node: bool) -> dict[str, str]:
    millicores, memory, storage = 0, 0, 0
    for made in objects.values():
        if (made["kind"] == "DaemonSet") != every_node:
            continue
        replicas = at(made, "spec.replicas")
        replicas = 1 if replicas is None else replicas
        for container in containers(made):
            requests = at(container, "resources.requests") or {}
            millicores += replicas * (Cpu.parse(requests["cpu"]).millicores if "cpu" in requests else 0)
            memory += replicas * (Bytes.parse(requests["memory"]).count if "memory" in requests else 0)
        storage += replicas * (_claimed(made) or 0)
    return {"CPU": str(Cpu(millicores)), "memory": str(Bytes(memory)), "storage": str(Bytes(storage))}
