"""Rendered stacks for the real servers, read from the files of a render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools import render, stack_file
from tools.local.stack_text import merged, stack_text
from tools.recorder import ROOT

Manifest = dict[str, Any]
"""One Kubernetes object."""

STACKS = ("dev", "prod")


@dataclass(frozen=True)
class Rendered:
    """One stack as files: ``manifests/`` and ``config/`` below ``folder``, as ``make render`` writes them."""

    stack: str
    folder: Path
    objects: list[Manifest] = field(repr=False)
    """All manifests, in the order in which they are applied."""
    claims: list[Manifest] = field(repr=False)
    """Patches of the claims that a StatefulSet's controller creates, with their size. No manifest has it."""

    @property
    def manifests(self) -> Path:
        """One object per file. The order of the names is the order in which they are applied."""
        return self.folder / "manifests"

    def config(self, program: str) -> Path:
        """The files of ``program`` below ``/etc/<program>``."""
        return self.folder / "config" / program

    def address(self, service: str, port: int) -> str:
        """Host and port of a Service of the stack, for its pods."""
        found = [made for made in self.of_kind("Service") if made["metadata"]["name"] == service.rpartition(".")[2]]
        (namespace,) = {made["metadata"]["namespace"] for made in found}
        assert any(port == each["port"] for made in found for each in made["spec"]["ports"]), f"{service} has no {port}"
        return f"{service}.{namespace}.svc:{port}"

    def of_kind(self, *kinds: str) -> list[Manifest]:
        """The manifests of the given kinds."""
        return [made for made in self.objects if made["kind"] in kinds]


def loaded(text: str) -> Any:
    """The value of YAML text. The C loader is ten times as fast as the other one, and stacks have megabytes."""
    return yaml.load(text, yaml.CSafeLoader)


def render_stack(stack: str, folder: Path, stack_file: Path | None = None) -> Rendered:
    """Render ``Pulumi.<stack>.yaml``, or ``stack_file``, into an empty ``folder``; raises the errors of a render."""
    recorder, stand_ins = render.render(stack, stack_file or ROOT / f"Pulumi.{stack}.yaml")
    objects = render.manifests(recorder)
    render.write(folder, objects, render.grafana_files(recorder), render.summary(stack, objects, stand_ins))
    claims = [made.inputs for made in recorder.resources_seen if made.type.endswith(":PersistentVolumeClaimPatch")]
    return Rendered(
        stack=stack,
        folder=folder,
        # Read from the files, not from memory, since the files are deployed.
        objects=[loaded(path.read_text(encoding="utf-8")) for path in sorted((folder / "manifests").iterdir())],
        claims=sorted(claims, key=lambda claim: str(claim["metadata"]["name"])),
    )


def render_text(stack: str, folder: Path, text: str) -> Rendered:
    """Render the text of a stack file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_text(text)
    return render_stack(stack, folder / "rendered", path)


def changed(folder: Path, name: str = "dev", changes: Mapping[str, Any] | None = None) -> Rendered:
    """The stack file ``Pulumi.<name>.yaml`` with changes of its top-level keys, rendered below ``folder``."""
    config = stack_file.read(ROOT / f"Pulumi.{name}.yaml").config
    return render_text(name, folder, stack_text(merged(config, changes or {})))
