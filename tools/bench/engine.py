"""Measures the engine: a first `up`, one without changes, and a destroy, on near and far backends.

A bare program registers the same number of ConfigMaps on the same cluster. The difference is the stack's own cost.
Each stack is measured again with every system on, from its example: it shows how the times grow.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rules.systems import examples
from tools.local import bucket
from tools.local.control_plane import ControlPlane
from tools.local.engine import Deployment, Project
from tools.local.grafana import Grafana, running
from tools.local.rendered import STACKS
from tools.recorder import PROJECT, ROOT
from tools.servers.find import NotHad

# A bucket in the same region answers within some tens of milliseconds.
ANSWERS_SECONDS = 0.05
BARE, GROWN = "bare", "every system"
ALWAYS, FIRST = 1.5, 1.2
"""Maximum factors of `up` compared with the bare program: without changes, and for the first time per resource."""
_PROGRAM = """
from pulumi import Config, ResourceOptions
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import ConfigMap

opts = ResourceOptions(provider=Provider("kubernetes"))
for number in range(Config().require_int("number")):
    name = f"plain-{number}"
    ConfigMap(name, metadata={"name": name, "namespace": "default"}, data={"a": "b"}, opts=opts)
"""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Durations of one stack, in seconds."""

    name: str
    first: float
    again: float
    destroy: float
    resources: int
    megabytes: float | None
    """Size of the state after the first `up`; None if it is not in files."""


def measure(name: str, project: Project, *, in_files: bool) -> Figure:
    """The figure of one stack, which does not exist before or afterwards."""
    first, made = _timed(project.up)
    megabytes = len(project.state().encode()) / 1e6 if in_files else None
    again, _ = _timed(project.up)
    destroy, _ = _timed(project.destroy)
    return Figure(
        name=name, first=first, again=again, destroy=destroy, resources=len(made.done["create"]), megabytes=megabytes
    )


def _timed(command: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    done = command()
    return time.perf_counter() - began, done


def bare(folder: Path, plane: ControlPlane, grafana: Grafana, number: int) -> Project:
    """A program that registers ``number`` ConfigMaps and nothing else."""
    project = folder / "project"
    project.mkdir(parents=True)
    (project / ".venv").symlink_to(ROOT / ".venv")
    (project / "__main__.py").write_text(_PROGRAM, encoding="utf-8")
    settings = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (project / f"Pulumi.{BARE}.yaml").write_text(yaml.safe_dump({"config": {f"{PROJECT}:number": number}}))
    return Project(folder, BARE, plane, BARE, grafana)


@contextmanager
def far() -> Iterator[Mapping[str, str]]:
    """A slow bucket, as environment variables of the engine."""
    with bucket.running("state", answers_after=ANSWERS_SECONDS) as state:
        yield {
            "PULUMI_BACKEND_URL": f"s3://{state.name}?endpoint={state.url.partition('//')[2]}&disableSSL=true"
            "&s3ForcePathStyle=true&region=us-east-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
        }


def figures(folder: Path, names: Iterable[str]) -> Iterator[Figure]:
    """Each stack and as many ConfigMaps, with the state in files; then the same stack with a far state."""
    with running(folder / "grafana") as grafana, far() as backend:
        for name in names:
            with ControlPlane(folder / name / "control-plane") as plane:
                plane.supply_volumes(60)
                near = measure(name, Deployment(folder / name / "near", name, plane, grafana), in_files=True)
                yield near
                plain = bare(folder / name / "bare", plane, grafana, near.resources)
                yield measure(f"{BARE}, as many as {name}", plain, in_files=True)
                grown = Deployment(folder / name / "grown", name, plane, grafana)
                grown.config["systems"] = examples()
                grown.write()
                yield measure(f"{name}, {GROWN}", grown, in_files=True)
                away = Deployment(folder / name / "far", name, plane, grafana, backend)
                yield measure(f"{name}, {ANSWERS_SECONDS * 1000:.0f} ms away", away, in_files=False)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.engine", description=__doc__)
    parser.add_argument("stacks", nargs="*", default=STACKS, metavar="STACK", help="stacks (default: %(default)s)")
    names = parser.parse_args(arguments).stacks
    with tempfile.TemporaryDirectory() as folder:
        try:
            print(
                f"{'stack':<28}{'resources':>10}{'state MB':>10}{'first up':>10}{'again':>8}{'destroy':>9}", flush=True
            )
            seen: dict[str, Figure] = {}
            for figure in figures(Path(folder), names):
                seen[figure.name] = figure
                size = "" if figure.megabytes is None else f"{figure.megabytes:.2f}"
                times = f"{figure.first:>10.1f}{figure.again:>8.1f}{figure.destroy:>9.1f}"
                print(f"{figure.name:<28}{figure.resources:>10}{size:>10}{times}", flush=True)
        except NotHad as missing:
            print(f"not tried: {missing}")
            return 0
    for name in names:
        ours, plain, grown = seen[name], seen[f"{BARE}, as many as {name}"], seen[f"{name}, {GROWN}"]
        print(
            f"{name}: first up {ours.first / plain.first:.2f} x the bare program (goal {FIRST}),"
            f" again {ours.again / plain.again:.2f} x (goal {ALWAYS});"
            f" {GROWN}: {grown.resources / ours.resources:.2f} x the resources take {grown.first / ours.first:.2f} x"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
