"""A stack file as Pulumi reads it, without Pulumi."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.recorder import PROJECT


class Unreadable(Exception):
    """No stack file, or no YAML in it."""


@dataclass(frozen=True)
class StackFile:
    """The project's keys of a stack file, without the project's prefix."""

    config: dict[str, Any]
    """Plain values."""
    secrets: frozenset[str]
    """Names of the encrypted ones."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans, as Pulumi reads them: ``off`` and ``no`` are words."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))


def read(path: Path) -> StackFile:
    """Raises Unreadable with one line that says what and where."""
    try:
        content = yaml.load(path.read_text(), _Loader)  # noqa: S506  a SafeLoader with fewer words for true and false
    except FileNotFoundError:
        raise Unreadable(f"{path}: no such stack file") from None
    except OSError as problem:
        raise Unreadable(f"{path}: cannot be read: {problem.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise Unreadable(f"{path}: not YAML: {' '.join(str(problem).split())}") from None
    config = content.get("config", {}) if isinstance(content, dict) else content or {}
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise Unreadable(f"{path}: no stack file: below `config` must stand keys like {PROJECT}:cluster")
    keys = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    secrets = frozenset(key for key, value in keys.items() if isinstance(value, dict) and value.keys() == {"secure"})
    return StackFile({key: value for key, value in keys.items() if key not in secrets}, secrets)
