"""Writes a stack as files: every object and every configuration, without a cluster, an account or Pulumi's CLI.

``build/<stack>/`` then has ``manifests/`` (one Kubernetes object per file, numbered in the order for ``kubectl apply
--server-side -f``, with masked secrets), ``config/<server>/`` (the server's files below ``/etc/<server>/``),
``grafana/<kind>/`` (one JSON file per dashboard, datasource and folder), ``metrics.txt`` (the stored metrics of each
scrape job), ``catalogue.json`` (alerts, receivers and settings, for ``tools.diff``) and ``summary.json``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from components.settings.secrets import references
from components.settings.stack import Refused
from model.quantities import Bytes, Cpu
from model.yaml_text import text
from tools import brought, kept, stack_file
from tools.catalogue import catalogue
from tools.recorder import ROOT, Recorder, Secret, record

MASK = "masked"
"""Stands for every secret. It is not empty, so that readers of a Secret find its key."""

# Objects that others refer to come first, and workloads last, after everything that they mount.
_ORDER = (
    "Namespace",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "NetworkPolicy",
    "Secret",
    "ConfigMap",
    "Service",
    "Ingress",
    "PodDisruptionBudget",
    "PersistentVolumeClaim",
    "DaemonSet",
    "StatefulSet",
    "Deployment",
)


def render(stack: str, path: Path) -> tuple[Recorder, list[str]]:
    """The program's resources for a stack file, and the secrets that have a placeholder.

    Raises Refused, Unreadable or RunError with every problem of the file.
    """
    given = stack_file.read(path)
    settings = stack_file.settings(path)
    named = {key for _, key in references(settings)}
    # An encrypted value cannot be read here, and every secret is rendered as the mask.
    return record(stack, given.config, dict.fromkeys(named | given.secrets, MASK)), sorted(named - given.secrets)


def manifests(recorder: Recorder) -> list[dict[str, Any]]:
    """All Kubernetes objects, in an order in which an API server accepts them."""
    objects = [
        _object(resource.inputs)
        for resource in recorder.resources_seen
        if resource.type.startswith("kubernetes:") and not resource.type.endswith("Patch")
    ]
    return sorted(objects, key=lambda made: (_ORDER.index(made["kind"]), *_place(made)))


def _object(inputs: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = _masked(inputs)
    # Pulumi's own annotations tell its provider how to wait; the cluster does not use them.
    annotations = {
        name: value
        for name, value in made["metadata"].get("annotations", {}).items()
        if not name.startswith("pulumi.com/")
    }
    metadata = {name: value for name, value in made["metadata"].items() if name != "annotations"}
    made["metadata"] = metadata | ({"annotations": annotations} if annotations else {})
    first = {"apiVersion": made["apiVersion"], "kind": made["kind"], "metadata": _sorted(made["metadata"])}
    return first | {name: _sorted(made[name]) for name in sorted(made) if name not in first}


def _masked(value: Any) -> Any:
    if isinstance(value, Secret):
        return dict.fromkeys(value.value, _MASKED_DATA) if isinstance(value.value, dict) else _MASKED_DATA
    if isinstance(value, dict):
        return {key: _masked(part) for key, part in value.items()}
    return [_masked(part) for part in value] if isinstance(value, list) else value


_MASKED_DATA = "bWFza2Vk"  # MASK in base64, as in a Secret's data


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(part) for part in value] if isinstance(value, list) else value


def _place(made: dict[str, Any]) -> tuple[str, str]:
    return made["metadata"].get("namespace", ""), made["metadata"]["name"]


def config_files(objects: list[dict[str, Any]]) -> dict[str, str]:
    """The files of every program below ``/etc/<program>``: path from ``<program>/`` on, to text."""
    maps = {_place(made): made["data"] for made in objects if made["kind"] == "ConfigMap"}
    files: dict[str, str] = {}
    for made in objects:
        pods = made.get("spec", {}).get("template", {}).get("spec", {})
        for container in pods.get("containers", []):
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            for volume in pods["volumes"]:
                for source in volume.get("projected", {}).get("sources", []):
                    name = source.get("configMap", {}).get("name")
                    for file, content in maps.get((made["metadata"]["namespace"], name), {}).items():
                        files[f"{mounts[volume['name']].removeprefix('/etc/')}/{file}"] = content
    return files


def grafana_files(recorder: Recorder) -> dict[str, str]:
    """Grafana's content: ``<kind>/<uid>.json`` to text, with masked secrets."""
    files = {}
    for resource in recorder.resources_seen:
        if resource.type.startswith("grafana:"):
            inputs = _masked(resource.inputs)
            # A dashboard is rendered as its own JSON, for an import by hand; all other kinds in the provider's format.
            if "json" in inputs.get("spec", {}):  # a dashboard of schema v2
                content = {"uid": inputs["metadata"]["uid"], **json.loads(inputs["spec"]["json"])}
            else:
                content = json.loads(inputs["configJson"]) if "configJson" in inputs else inputs
            kind = resource.type.rpartition(":")[2].lower()
            kinds = f"{kind.removesuffix('y')}{'ies' if kind.endswith('y') else 's'}"
            files[f"{kinds}/{content.get('uid', resource.name)}.json"] = (
                json.dumps(content, indent=2, sort_keys=True) + "\n"
            )
    return files


def summary(stack: str, objects: list[dict[str, Any]], stand_ins: list[str]) -> dict[str, Any]:
    """Objects by kind and namespace, images, and the total of all requests."""
    counts = Counter((made["kind"], made["metadata"].get("namespace", "-")) for made in objects)
    return {
        "stack": stack,
        "objects": [{"kind": kind, "namespace": space, "count": counts[kind, space]} for kind, space in sorted(counts)],
        "images": sorted({container["image"] for made in objects for container in _containers(made)}),
        "requests": _requests(objects),
        "missingSecrets": stand_ins,
    }


def _containers(made: dict[str, Any]) -> list[dict[str, Any]]:
    containers: list[dict[str, Any]] = made.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    return containers


def _requests(objects: list[dict[str, Any]]) -> dict[str, str]:
    """Totals over all replicas. Workloads on every node are counted once, and listed separately."""
    millicores, memory, storage = 0, 0, 0
    for made in objects:
        replicas = made.get("spec", {}).get("replicas", 1)
        for container in _containers(made):
            requests = container["resources"]["requests"]
            millicores += replicas * Cpu.parse(requests["cpu"]).millicores
            memory += replicas * Bytes.parse(requests["memory"]).count
        for claim in made.get("spec", {}).get("volumeClaimTemplates", []):
            storage += replicas * Bytes.parse(claim["spec"]["resources"]["requests"]["storage"]).count
        if made["kind"] == "PersistentVolumeClaim":
            storage += Bytes.parse(made["spec"]["resources"]["requests"]["storage"]).count
    totals = {"cpu": str(Cpu(millicores)), "memory": str(Bytes(memory))}
    return totals | {"storage": str(Bytes(storage)) if storage else "0"}


_WRITTEN = {"catalogue.json", "config", "grafana", "manifests", "metrics.txt", "summary.json"}


def check_replaceable(out: Path) -> None:
    """Raise Unreadable if ``out`` has any other content than an earlier render."""
    if out.exists() and (not out.is_dir() or {entry.name for entry in out.iterdir()} - _WRITTEN):
        raise stack_file.Unreadable(f"{out}: has files that are not a render: choose another folder with --out")


def write(out: Path, objects: list[dict[str, Any]], content: Mapping[str, str], about: dict[str, Any]) -> None:
    """Replace an earlier render in ``out``."""
    for old in ("config", "grafana", "manifests"):
        shutil.rmtree(out / old, ignore_errors=True)
    files = {f"config/{path}": file for path, file in config_files(objects).items()}
    files |= {f"grafana/{path}": file for path, file in content.items()}
    for position, made in enumerate(objects):
        space, name = _place(made)
        stem = "-".join(filter(None, (f"{position:03}", made["kind"].lower(), space, name)))
        files[f"manifests/{stem}.yaml"] = text(made)
    files["summary.json"] = json.dumps(about, indent=2) + "\n"
    for path, written in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(written)


def table(about: dict[str, Any]) -> str:
    """The summary as text."""
    lines = [f"{row['count']:>4}  {row['kind']:<20} {row['namespace']}" for row in about["objects"]]
    lines += ["", *about["images"], ""]
    lines.append("requested in total (one node): " + ", ".join(f"{name} {n}" for name, n in about["requests"].items()))
    return "\n".join((*lines, *brought.lines(about["content"])))


def catalogue_of(path: Path) -> str:
    """``catalogue.json`` of a stack file."""
    made = catalogue(stack_file.settings(path), stack_file.read(path).encrypted)
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.render", description=__doc__.partition("\n")[0])
    parser.add_argument("stack", metavar="STACK", help="name of the stack, such as dev or prod")
    parser.add_argument("--stack-file", type=Path, help="stack file (default: Pulumi.<STACK>.yaml)")
    parser.add_argument("--out", type=Path, help="output folder (default: build/<STACK>)")
    chosen = parser.parse_args(arguments)
    path = chosen.stack_file or ROOT / f"Pulumi.{chosen.stack}.yaml"
    out = chosen.out or ROOT / "build" / chosen.stack
    try:
        check_replaceable(out)
        recorder, stand_ins = render(chosen.stack, path)
        objects = manifests(recorder)
        settings = stack_file.settings(path)
        about = summary(chosen.stack, objects, stand_ins) | {"content": brought.reached(settings)}
        write(out, objects, grafana_files(recorder), about)
        (out / "metrics.txt").write_text(kept.table(settings))
        (out / "catalogue.json").write_text(catalogue_of(path))
    except (Refused, stack_file.Unreadable, pulumi.RunError) as refused:
        print(refused, file=sys.stderr)
        return 1
    for key in stand_ins:
        print(f"{key}: not set yet, rendered with a placeholder: pulumi config set --secret {key}", file=sys.stderr)
    for warning in brought.told(settings):
        print(warning, file=sys.stderr)
    print(table(about))
    return 0


if __name__ == "__main__":
    sys.exit(main())
