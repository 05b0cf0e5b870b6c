"""YAML for the servers: the same value always gives the same text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

ONE_LINE = 1_000_000
"""Line width in characters, larger than any value. In a folded expression, one changed word changes all later lines,
and the line breaks and indents of prod's rules alone were 50 KB of state."""


_MAP = "tag:yaml.org,2002:map"


class Repeated(dict[str, Any]):
    """A mapping with an anchor, for those that are :class:`Like` it."""


class Like(dict[str, Any]):
    """A mapping that is written as a reference to another one and the entries that differ."""

    def __init__(self, other: Repeated, entries: Mapping[str, Any]) -> None:
        """Raises ValueError if the other one has a key that is not in ``entries``: it would come with the reference."""
        if other.keys() - entries.keys():
            raise ValueError(f"not like the other one: {', '.join(sorted(other.keys() - entries.keys()))}")
        super().__init__(entries)
        self.other = other
        self.differs = {key: value for key, value in entries.items() if other.get(key) != value}


class _Plain(yaml.CSafeDumper):
    """Keeps the order of keys. Nothing has an anchor unless it is Repeated: servers' checkers do not resolve them in
    their messages.

    It uses the C dumper: a stack has a megabyte of rules, and pure Python takes a second for that.
    """

    def ignore_aliases(self, data: Any) -> bool:
        return not isinstance(data, Repeated)


def _text(dumper: _Plain, value: str) -> yaml.ScalarNode:
    # A file within a file stays readable, and a change of one of its lines changes one line.
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


class _OnOneLine(dict[str, Any]):
    """A mapping that is written on one line."""


def _on_one_line(dumper: _Plain, value: _OnOneLine) -> yaml.MappingNode:
    return dumper.represent_mapping(_MAP, value.items(), flow_style=True)


def _like(dumper: _Plain, value: Like) -> yaml.MappingNode:
    made = dumper.represent_mapping(_MAP, value.differs.items(), flow_style=True)
    merge = yaml.ScalarNode("tag:yaml.org,2002:merge", "<<")
    made.value.insert(0, (merge, dumper.represent_data(value.other)))
    return made


_Plain.add_representer(str, _text)
_Plain.add_representer(Repeated, lambda dumper, value: dumper.represent_mapping(_MAP, value.items()))
_Plain.add_representer(Like, _like)
_Plain.add_representer(_OnOneLine, _on_one_line)


def text(value: Any, on_one_line: str = "") -> str:
    """``value`` as YAML text. Mappings with the key ``on_one_line`` are written so."""
    if on_one_line:
        value = _marked(value, on_one_line)
    return yaml.dump(value, Dumper=_Plain, sort_keys=False, width=ONE_LINE, allow_unicode=True)


def _marked(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [_marked(each, key) for each in value]
    if isinstance(value, dict) and not isinstance(value, Repeated | Like):
        return {name: _OnOneLine(each) if name == key else _marked(each, key) for name, each in value.items()}
    return value


def expanding(plain: str, variable: str) -> str:
    """``plain`` for Loki's ``-config.expand-env``, which then expands only values of the form ``${variable}``.

    Inserted values are quoted, since the result is read as YAML, and an IPv6 address may end in a colon. In this
    expansion ``$$`` is a dollar, and a backslash before another one or a slash is an escape. So a regular expression
    stays the same only if both are doubled.
    """
    return plain.replace("\\", "\\\\").replace("$", "$$").replace(f"$${{{variable}}}", f'"${{{variable}}}"')
