"""Matchers of Alertmanager as the keys of a route."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from components.routing import LABELS
from tools.adopt.notes import Fields

_SPELLED = re.compile(r'\s*"?(?P<name>[^\s"=!~]+)"?\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>.*?)\s*', re.DOTALL)
_OPERATORS = {"": "=", "=": "=", "=~": "=~", "!=": "!=", "!~": "!~"}
# What a stack file's pattern can say: text, and * for any text.
_ANY = re.compile(r"\.[*+]")
_PLAIN = re.compile(r"(?:[\w-]|\\\.|\*)*")


class Unmatched(Exception):
    """A matcher that no key of a route can say."""


def matched(route: Fields) -> dict[str, list[str]]:
    """Label to values, of which one matches. Raises Unmatched with the reason."""
    asked: dict[str, list[str]] = {}
    wrong = []
    for name, operator, value in _each(route):
        try:
            values = _values(name, operator, value)
        except Unmatched as reason:
            wrong.append(str(reason))
            continue
        if name in asked and asked[name] != values:
            wrong.append(f"{name}: two matchers of one label")
        asked[name] = values
    if wrong:
        raise Unmatched("; ".join(dict.fromkeys(wrong)))
    return asked


def _each(route: Fields) -> Iterator[tuple[str, str, str]]:
    for position, each in enumerate(route.many("matchers")):
        if isinstance(each, str):
            for one in each.strip().removeprefix("{").removesuffix("}").split(",") if "{" in each else [each]:
                if found := _SPELLED.fullmatch(one):
                    yield found["name"], found["operator"], found["value"].removeprefix('"').removesuffix('"')
                else:
                    yield one, "?", ""
            continue
        part = Fields(each, route.where, route.notes, f"matchers[{position}]")
        kind, is_regex = part.text("matchType"), part.take("regex")
        yield part.text("name"), kind or ("=~" if is_regex else "="), part.text("value")
        part.rest()
    yield from ((name, "=", value) for name, value in route.texts("match").items())
    yield from ((name, "=~", value) for name, value in route.texts("matchRe").items())


def _values(name: str, operator: str, value: str) -> list[str]:
    said = f'{name}{operator}"{value}"'
    # Content takes the owner of an alert from either.
    if name not in (*LABELS, "team", "alertname"):
        raise Unmatched(f"{said}: a route matches {', '.join(LABELS)}")
    if operator not in ("=", "=~"):
        raise Unmatched(f"{said}: a route says what it matches, not what it leaves out")
    if not value:
        raise Unmatched(f"{said}: a route cannot match what has no such label")
    if operator == "=":
        return [value]
    inner = value[1:-1] if re.fullmatch(r"\([^()]*\)", value) else value
    return [_pattern(each, said) for each in inner.removeprefix("^").removesuffix("$").split("|")]


def _pattern(one: str, said: str) -> str:
    starred = _ANY.sub("*", one)
    if not starred or not _PLAIN.fullmatch(starred):
        raise Unmatched(f"{said}: a route takes text with * for any text, and no other regular expression")
    return starred.replace("\\.", ".")


def keys(asked: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """As keys of a route. Raises Unmatched for the name of an alert."""
    if "alertname" in asked:
        raise Unmatched(
            "alertname: alerts may have other names here: add a route with `alert`, or set alerts.<name>.owner"
        )
    if "team" in asked and "owner" in asked:
        raise Unmatched("owner and team: both are the owner of an alert")
    return {"owner" if name == "team" else name: values for name, values in asked.items()}
