"""YAML of people: values that know their file and line, so that all problems of a file can be listed at once."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from model.quantities import Duration
from model.settings import Problem

DEEPEST = 50
"""Maximum nesting. Rules have eight levels in a list of objects; Python's stack has some hundreds."""

_NOT_OF_KUBERNETES = ("tag:yaml.org,2002:value", "tag:yaml.org,2002:timestamp")


class _Loader(yaml.CSafeLoader):
    """Reads words as Kubernetes does: ``=`` and ``2026-11-28`` are text."""

    yaml_implicit_resolvers = {
        first: [each for each in resolvers if each[0] not in _NOT_OF_KUBERNETES]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True)
class Part:
    """A value of a YAML file. Reading it as something that it is not adds a problem to ``found``."""

    file: str
    node: yaml.Node
    found: list[Problem] = field(repr=False)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.node.start_mark.line + 1}"

    @property
    def is_null(self) -> bool:
        return self.node.tag == "tag:yaml.org,2002:null"

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def wrong(self, problem: str) -> None:
        told = f"{self.place}: {problem}"
        if told not in self.found:  # a part may be read more than once
            self.found.append(told)

    def keys(self, known: Collection[str] = ()) -> dict[str, Part]:
        """The parts of a mapping by key; keys besides the ``known`` are problems, if any are given."""
        if not isinstance(self.node, yaml.MappingNode):
            if not self.is_null:
                self.wrong("a mapping is expected here")
            return {}
        parts: dict[str, Part] = {}
        for key, value in self.node.value:
            name, part = str(key.value), Part(self.file, value, self.found)
            at = Part(self.file, key, self.found)
            if name in parts:
                at.wrong(f"{name}: is given twice: give it once")
            elif known and name not in known:
                at.wrong(f"{name}: unknown key: {nearest(name, known)}")
            else:
                parts[name] = part
        return parts

    def entries(self) -> list[Part]:
        """The parts of a list."""
        if isinstance(self.node, yaml.SequenceNode):
            return [Part(self.file, each, self.found) for each in self.node.value]
        if not self.is_null:
            self.wrong("a list is expected here")
        return []

    def text(self) -> str:
        """Any single value as it is spelled; numbers need no quotes."""
        if isinstance(self.node, yaml.ScalarNode):
            return str(self.node.value)
        self.wrong("text is expected here")
        return ""

    def texts(self) -> dict[str, str]:
        return {key: part.text() for key, part in self.keys().items()}

    def whole_number(self) -> int:
        if self.text().isdecimal():
            return int(self.text())
        self.wrong(f'"{self.text()}": a whole number')
        return 0

    def duration(self) -> Duration:
        try:
            return Duration.parse(self.text())
        except ValueError:
            self.wrong(f'"{self.text()}": {Duration.EXPECTED}')
            return Duration(0)


def nearest(name: str, known: Collection[str]) -> str:
    """What may have been meant by an unknown name."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(known)}"


def documents(file: str, text: str, found: list[Problem]) -> list[Part]:
    """The documents of a file that are not empty; none, and a problem, if it is no YAML."""
    try:
        _is_flat_enough(text)
        nodes = list(yaml.compose_all(text, _Loader))
    except (yaml.YAMLError, ValueError) as wrong:
        found.append(f"{file}{_told(wrong)}")
        return []
    return [part for node in nodes if node is not None and not (part := Part(file, node, found)).is_null]


def _is_flat_enough(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} mappings and lists within each other")


def _told(wrong: Exception) -> str:
    if not isinstance(wrong, yaml.MarkedYAMLError) or wrong.problem_mark is None:
        return f": not YAML: {' '.join(str(wrong).split())}"
    why = ", ".join(filter(None, (wrong.context, wrong.problem)))
    return f":{wrong.problem_mark.line + 1}: not YAML: {why}"


def plain(part: Part) -> Any:
    """The value as Python's own types."""
    loader = _Loader("")
    try:
        return loader.construct_document(part.node)
    finally:
        loader.dispose()


def objects(documents: Collection[Part]) -> Iterator[Part]:
    """The Kubernetes objects of a file, those in a ``List`` one by one, as ``kubectl get -o yaml`` prints them."""
    for part in documents:
        keys = part.keys() if part.is_mapping else {}
        kind = keys["kind"].text() if "kind" in keys else ""
        if kind.endswith("List") and "items" in keys:
            yield from objects(keys["items"].entries())
        else:
            yield part
