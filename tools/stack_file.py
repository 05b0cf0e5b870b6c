"""Reads a stack file as Pulumi does, without Pulumi."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.settings.content import gathered
from components.settings.plain import DEEPEST
from components.settings.stack import Refused, Settings
from components.settings.stack import read as read_settings
from model.settings import Problem, problem
from tools.recorder import PROJECT, ROOT


class Unreadable(Exception):
    """The stack file is missing, or is no valid YAML."""


@dataclass(frozen=True)
class StackFile:
    """The project's keys of a stack file, without their prefix."""

    config: dict[str, Any]
    """Plain values."""
    secrets: frozenset[str]
    """Names of the encrypted values."""
    encrypted: dict[str, str] = field(default_factory=dict)
    """The encrypted values, as they are."""


class _Loader(yaml.CSafeLoader):
    """Interprets words as Pulumi's YAML does: ``off``, ``y`` and ``22:00`` are text, ``1e3`` is a number.

    It uses the C loader, because Pulumi's is a port of that one.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_YAML = "tag:yaml.org,2002:"
_DATE = f"{_YAML}timestamp"
_WORDS = {
    f"{_YAML}null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    f"{_YAML}bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    f"{_YAML}int": (
        r"[-+]?(0b_*[01][01_]*|0o?[0-7_]+|0x_*[0-9a-fA-F][0-9a-fA-F_]*|0|[1-9][0-9_]*)",
        list("-+0123456789"),
    ),
    f"{_YAML}float": (
        r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    f"{_YAML}merge": (r"<<", ["<"]),
    _DATE: (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?", list("0123456789")),
}
"""Implicit tags in order: the pattern of their words, and the first characters."""
for _tag, (_words, _first) in _WORDS.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_words})$"), _first)

_TEXT, _MERGE = f"{_YAML}str", f"{_YAML}merge"
_NUMBERS = {f"{_YAML}int", f"{_YAML}float"}
_TAGS = {*_WORDS, _TEXT, f"{_YAML}seq", f"{_YAML}map"}
LONGEST_NUMBER = 100
"""Characters: a longer number has more than 64 bits in every base."""
DEEPEST_FILE = 2 * DEEPEST
"""Maximum nesting of mappings and lists. Settings with a lower maximum check it themselves, and name the setting."""
MOST = 100_000
"""Maximum number of values of a stack file, with those of an alias counted each time. The largest known file has
hundreds."""


@dataclass
class _Survey:
    """Checks YAML before it becomes values, while duplicate keys are still visible."""

    found: list[Problem] = field(default_factory=list)
    _sizes: dict[yaml.Node, int] = field(default_factory=dict)

    def visit(self, node: yaml.Node, path: str, above: tuple[yaml.Node, ...] = ()) -> int:
        """The number of values in ``node``; adds problems to ``found``."""
        if node in above:
            self.found.append(f"{path}: an alias of a value that contains it")
            return 1
        if node not in self._sizes:
            self._look_at(node, path)
            sizes = [self.visit(part, where, (*above, node)) for where, part in self._parts(node, path)]
            self._sizes[node] = 1 + sum(sizes)
            if self._sizes[node] > MOST >= max(sizes):
                self.found.append(f"{path}: at most {MOST} values, those of an alias counted each time")
        return self._sizes[node]

    def _look_at(self, node: yaml.Node, path: str) -> None:
        words = _WORDS.get(node.tag, ("(?s:.*)", []))[0]
        if node.tag == _DATE:
            self.found.append(problem(path, node.value, "text in quotes, or YAML takes it for a date"))
        elif node.tag not in _TAGS or (isinstance(node, yaml.ScalarNode) and not re.fullmatch(words, node.value)):
            self.found.append(problem(path, node.tag.removeprefix(_YAML), "a value without such a tag"))
        elif node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:
            self.found.append(f"{path}: a number of at most {LONGEST_NUMBER} characters")

    def _parts(self, node: yaml.Node, path: str) -> Iterator[tuple[str, yaml.Node]]:
        """The entries of a mapping or a list, with their paths."""
        if isinstance(node, yaml.SequenceNode):
            yield from ((f"{path}[{position}]", part) for position, part in enumerate(node.value))
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, part in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode) or key.tag not in (_TEXT, _MERGE):
                    name = f".{key.value}" if isinstance(key, yaml.ScalarNode) else ""
                    self.found.append(f"{path}{name}: a key that is text (line {line}): put it in quotes".lstrip("."))
                    continue
                where = _below(path, key.value)
                if where in lines:
                    self.found.append(f"{where}: is given twice, in lines {lines[where]} and {line}: give it once")
                lines[where] = line
                yield where, part


def _below(path: str, key: str) -> str:
    """The path of a key, without the project's prefix."""
    return (_own(key) or key) if path == "config" else f"{path}.{key}".lstrip(".")


def _own(key: str) -> str:
    """The name of this project's top-level key, in any spelling that Pulumi accepts; empty for others' keys."""
    project, _, name = key.rpartition(":")
    return name if project in ("", PROJECT, f"{PROJECT}:config") else ""


def _content(text: str) -> Any:
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST_FILE:  # checked before any recursion, which would end the process
            line = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
            raise yaml.YAMLError(f"{line}more than {DEEPEST_FILE} nested mappings and lists")
    loader = _Loader(text)
    node = loader.get_single_node()
    survey = _Survey()
    if node is not None:
        survey.visit(node, "")
    if survey.found:
        raise Refused(survey.found)
    return None if node is None else loader.construct_document(node)


def _told(wrong: Exception) -> str:
    """The error in one line, without its context, which may be a secret."""
    if not isinstance(wrong, yaml.MarkedYAMLError) or wrong.problem_mark is None:
        return " ".join(str(wrong).split())
    return f"line {wrong.problem_mark.line + 1}: {', '.join(filter(None, (wrong.context, wrong.problem)))}"


def settings(path: Path) -> Settings:
    """The settings of a stack file, with the content folders that it names. Raises what :func:`read` raises."""
    file = read(path)
    # A whole section cannot be a secret: refused here as by the program.
    hidden = {key: {"secure": ""} for key in sorted(file.secrets & Settings.model_fields.keys())}
    config = {**file.config, **hidden}
    return read_settings(config, folders=gathered(config, ROOT))


def read(path: Path) -> StackFile:
    """Read a stack file. Raises Unreadable with one line, or Refused with a line for each wrong value."""
    try:
        content = _content(path.read_text())
    except FileNotFoundError:
        raise Unreadable(f"{path}: no such stack file") from None
    except OSError as wrong:
        raise Unreadable(f"{path}: cannot be read: {wrong.strerror}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as wrong:
        raise Unreadable(f"{path}: not YAML: {_told(wrong)}") from None
    config = content.get("config") if isinstance(content, dict) else content
    if config is not None and not isinstance(config, dict):
        raise Unreadable(f"{path}: no stack file: it needs keys like {PROJECT}:cluster below `config`")
    keys = {name: value for key, value in (config or {}).items() if (name := _own(key))}
    secrets = frozenset(key for key, value in keys.items() if isinstance(value, dict) and value.keys() == {"secure"})
    plain = {key: value for key, value in keys.items() if key not in secrets}
    return StackFile(plain, secrets, {key: str(keys[key]["secure"]) for key in sorted(secrets)})
