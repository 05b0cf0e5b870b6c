"""The real Pulumi engine with this program, a backend of files, and a control plane and a Grafana on this machine."""

from __future__ import annotations

import copy
import json
import os
import secrets as random
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from tools import stack_file
from tools.local.control_plane import ControlPlane
from tools.local.grafana import Grafana
from tools.recorder import PROJECT, ROOT
from tools.servers.build import cache_folder
from tools.servers.find import NotHad, binary, need

PROGRAM = ("__main__.py", "Pulumi.yaml", "components", "content", "dashboards", "model", "rules", "docs")
"""Files of the program. With the environment, it runs in any folder."""
HOME = cache_folder() / "pulumi-home"
"""Folder of the plugins that the engine downloads."""
SAVED_AT_THE_END = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""Variables with which the engine writes its state once for each command. Otherwise it does so twice for each resource,
which takes two thirds of an update of a large stack.
"""
PASSWORD = "grafanaAdminPassword"  # noqa: S105  the name of a key


@dataclass(frozen=True)
class Step:
    """One command of the engine."""

    done: Mapping[str, frozenset[str]]
    """By operation (``same``, ``create``, ``update``, ``replace``, ``delete`` ...): names of resources, without the
    stack and the providers."""
    said: str = field(repr=False)
    """Its whole output."""

    @property
    def changed(self) -> frozenset[str]:
        """Names of all resources that changed."""
        return frozenset[str]().union(*(names for operation, names in self.done.items() if operation != "same"))


class Project:
    """A stack of a program in ``folder/project``, with its state in files in ``folder/state``, or in another backend.

    Commands that fail raise ``automation.CommandError``, with their whole output. Raises NotHad if this machine has no
    engine.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        plane: ControlPlane,
        context: str,
        grafana: Grafana,
        backend: Mapping[str, str] | None = None,
        *,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """``more`` are further variables of the engine."""
        self._backend = folder / "state"
        self._backend.mkdir()
        programs = folder / "bin"
        command = _programs(programs)
        self.fills_grafana = _filled(grafana, programs, command)
        """Whether the resources in Grafana are really created."""
        environment = {
            "KUBECONFIG": str(_kubeconfig(plane, context, folder / "kubeconfig")),
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "PULUMI_CONFIG_PASSPHRASE": random.token_hex(16),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONDONTWRITEBYTECODE": "",  # every command runs the same copy of the program
            "SSL_CERT_FILE": str(grafana.authorities),
            **(backend or {"PULUMI_BACKEND_URL": self._backend.as_uri()}),
            **(more or {}),
        }
        workspace = automation.LocalWorkspace(
            work_dir=str(folder / "project"), pulumi_home=str(HOME), env_vars=environment, pulumi_command=command
        )
        self._stack = automation.Stack.create(name, workspace)

    def set_secrets(self, secrets: Mapping[str, str], project: str = PROJECT) -> None:
        """Set top-level secrets, which a program reads below its ``project``'s name, all in one command.

        Each command derives the key from the passphrase, for 1 s.
        """
        values = {
            f"{project}:{key}": automation.ConfigValue(value, secret=True) for key, value in sorted(secrets.items())
        }
        self._stack.set_all_config(values)

    def preview(self, *, refresh: bool = False) -> Step:
        return _step(lambda **given: self._stack.preview(refresh=refresh, **given))

    def up(self) -> Step:
        return _step(self._stack.up)

    def destroy(self) -> Step:
        return _step(self._stack.destroy)

    def state(self) -> str:
        """The state in the backend of files, with encrypted secrets."""
        (file,) = self._backend.rglob(f"{self._stack.name}.json")
        return file.read_text(encoding="utf-8")


class Deployment(Project):
    """A copy of the program and a stack file: the checkout does not change.

    Grafana's address and credentials are those of ``grafana``.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        plane: ControlPlane,
        grafana: Grafana,
        backend: Mapping[str, str] | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """``config`` are the stack's top-level keys, by default those of its file, and ``secrets`` its secrets."""
        project = folder / "project"
        project.mkdir(parents=True)
        for part in PROGRAM:
            (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, project / part)
        (project / ".venv").symlink_to(ROOT / ".venv")
        self._file = project / f"Pulumi.{name}.yaml"
        self.config: dict[str, Any] = copy.deepcopy(dict(config or stack_file.read(ROOT / self._file.name).config))
        """The stack's top-level keys; :meth:`write` passes them to the engine."""
        self.secrets: Mapping[str, str] = dict(secrets or {}) | self._connect(grafana)
        """The stack's top-level secrets."""
        self.write()
        super().__init__(folder, name, plane, self.config["cluster"]["context"], grafana, backend, more=more)
        self.set_secrets(self.secrets)

    def _connect(self, grafana: Grafana) -> dict[str, str]:
        """Make ``grafana`` the stack's, or its external one; return the secrets for that."""
        own = self.config["grafana"]
        if external := own.get("external"):
            external["url"] = grafana.url
            return {external["tokenSecret"]: grafana.token()}
        own |= {"url": grafana.url, "adminPasswordSecret": PASSWORD}
        if "ingress" in own:
            own["ingress"]["host"] = grafana.host
        token = {own["tokenSecret"]: grafana.token()} if "tokenSecret" in own else {}
        return {PASSWORD: grafana.password, **token}

    def write(self) -> None:
        """Write the stack file. The engine's own keys stay."""
        kept = yaml.safe_load(self._file.read_text(encoding="utf-8")) if self._file.exists() else {}
        config = kept.get("config", {}) | {f"{PROJECT}:{key}": value for key, value in self.config.items()}
        self._file.write_text(json.dumps({**kept, "config": config}), encoding="utf-8")


def _step(command: Callable[..., object]) -> Step:
    done: dict[str, set[str]] = defaultdict(set)

    def seen(event: automation.EngineEvent) -> None:
        made = event.resource_pre_event.metadata if event.resource_pre_event else None
        if made is not None and not made.type.startswith("pulumi:"):
            done[made.op.value].add(made.urn.rpartition("::")[2])

    said: list[str] = []
    command(on_event=seen, on_output=said.append, color="never")
    return Step({operation: frozenset(names) for operation, names in done.items()}, "".join(said))


def _programs(folder: Path) -> automation.PulumiCommand:
    """The engine, linked in ``folder`` with its programs and, if found, the Kubernetes provider; else it loads that."""
    folder.mkdir()
    for program in need("engine", "pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        (folder / program.name).symlink_to(program)
    command = automation.PulumiCommand(str(folder.parent))
    _provider("engine", "kubernetes", "pulumi-kubernetes", folder, command)
    return command


def _provider(
    what: str, name: str, package: str, folder: Path, command: automation.PulumiCommand, *source: str
) -> None:
    """Link a provider into ``folder`` if one is found, or let the engine download it; raises NotHad of ``what``."""
    try:
        (folder / f"pulumi-resource-{name}").symlink_to(binary(f"pulumi-resource-{name}"))
    except NotHad as missing:
        install = ["plugin", "install", "resource", name, _version(package), *source]
        try:
            command.run(install, str(ROOT), {"PULUMI_HOME": str(HOME)})
        except automation.CommandError as refused:
            raise NotHad(what, f"{missing}; `pulumi {' '.join(install)}` says: {refused}") from refused


def _filled(grafana: Grafana, folder: Path, command: automation.PulumiCommand) -> bool:
    """Whether a provider that fills Grafana is found; otherwise the one that returns its inputs replaces it."""
    try:
        if grafana.real:
            source = ("--server", "github://api.github.com/pulumiverse")
            _provider("grafana", "grafana", "pulumiverse-grafana", folder, command, *source)
            return True
    except NotHad:
        pass  # callers that need it count it as not tried
    echo = folder / "pulumi-resource-grafana"
    run = f"cd {ROOT} && exec {sys.executable} -m tools.local.echo_provider {_version('pulumiverse-grafana')}"
    echo.write_text(f"#!/bin/sh\n{run}\n", encoding="utf-8")
    echo.chmod(0o755)
    return False


def _version(package: str) -> str:
    locked = (ROOT / "uv.lock").read_text(encoding="utf-8")
    return locked.partition(f'name = "{package}"\nversion = "')[2].partition('"')[0]


def _kubeconfig(plane: ControlPlane, context: str, path: Path) -> Path:
    """The control plane's kubeconfig, with the context's name from the stack file."""
    config = yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8"))
    config["contexts"][0]["name"] = config["current-context"] = context
    path.touch(mode=0o600)
    path.write_text(json.dumps(config), encoding="utf-8")
    return path
