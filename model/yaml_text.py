"""YAML as the servers read it: the same value is always the same text."""

from __future__ import annotations

from typing import Any

import yaml

ONE_LINE = 1_000_000
"""Characters, more than any value has: a folded expression changes to its end when one word of it does, and the line
breaks and indents of prod's rules alone were 50 KB of state."""


class _Plain(yaml.CSafeDumper):
    """Keeps the order that the builders chose, and never uses anchors: no server's checker shows where those lead.

    In C, since a stack has a megabyte of rules, and pure Python takes a second for that.
    """

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  the base class names it
        return True


def _text(dumper: _Plain, value: str) -> yaml.ScalarNode:
    # A file within a file stays readable, and a change of it is a change of one line.
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Plain.add_representer(str, _text)


def text(value: Any) -> str:
    """``value`` as YAML text."""
    return yaml.dump(value, Dumper=_Plain, sort_keys=False, width=ONE_LINE, allow_unicode=True)


def expanding(plain: str, variable: str) -> str:
    """``plain`` for Loki's ``-config.expand-env``, with nothing in it expanded but values that are ``${variable}``.

    What is put in is text, in quotes: it is read as YAML afterwards, and an IPv6 address may end in a colon.
    To that expansion ``$$`` is a dollar, and a backslash before another one or a slash is an escape: a regular
    expression comes out of it as it went in only when both are doubled.
    """
    return plain.replace("\\", "\\\\").replace("$", "$$").replace(f"$${{{variable}}}", f'"${{{variable}}}"')
