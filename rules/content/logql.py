"""A look at people's LogQL before Loki sees it: quotes, brackets, stream selectors, stages and functions.

It is no parser. What it refuses, Loki refuses as well or never finds a line for (tests/servers/test_logql_check.py).
What it takes may still be wrong.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from model.logs import LINE_METADATA, STREAM_LABELS

_TOKEN = re.compile(
    r"(?P<space>\s+|\#[^\n]*)"
    r'|(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)'
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign>\|[=~>]|![=~>]|=[~=]|>=|<=|[-+*/%^=<>|(){}\[\],:.])"
)
_DURATION = re.compile(r"(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w|y))+")
_CLOSING = {"(": ")", "{": "}", "[": "]"}
_MATCHES = ("=", "!=", "=~", "!~")
_COMPARES = (*_MATCHES, "==", ">", ">=", "<", "<=")
_FILTERS = ("|=", "|~", "|>", "!>")
_STAGES = (
    *("json", "logfmt", "pattern", "regexp", "unpack", "unwrap", "decolorize", "drop", "keep", "distinct"),
    *("line_format", "label_format"),
)
_OVER_TIME = ("avg", "sum", "min", "max", "stddev", "stdvar", "quantile", "first", "last", "count", "bytes", "absent")
_FUNCTIONS = (
    *("rate", "rate_counter", "bytes_rate", *(f"{name}_over_time" for name in _OVER_TIME)),
    *("sum", "avg", "count", "max", "min", "stddev", "stdvar", "topk", "bottomk", "approx_topk", "sort", "sort_desc"),
    *("vector", "label_replace", "ip", "duration", "duration_seconds", "bytes", "variants"),
)
_GROUPS = ("by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "of")


class _Token(NamedTuple):
    kind: str
    text: str
    place: int
    """Of its first character, from 1 on."""


_END = _Token("end", "", 0)


def problem(query: str) -> str:
    """What is wrong with a query, and at which character; empty if nothing is found."""
    try:
        tokens = list(_tokens(query))
        _bracketed(tokens)
        for number, token in enumerate(tokens):
            following = [*tokens[number + 1 : number + 3], _END, _END]
            if token.text == "{":
                _selected(tokens[number:])
            elif token.text == "[" and not _DURATION.fullmatch(following[0].text):
                raise _wrong(following[0] if following[0].text else token, "a range is a duration, like [5m]")
            elif token.text in _FILTERS and following[0].kind != "text" and following[0].text != "ip":
                raise _wrong(token, f"{token.text} is followed by a text in quotes")
            elif token.text == "|":
                _piped(*following[:2])
            elif token.kind == "word" and following[0].text == "(" and token.text not in (*_FUNCTIONS, *_GROUPS):
                raise _wrong(token, f"no function {token.text}{_near(token.text, _FUNCTIONS)}")
        if not {"{", "vector"} & {token.text for token in tokens}:
            return 'no stream selector like {namespace="shop"}'
    except ValueError as wrong:
        return str(wrong)
    return ""


def _tokens(query: str) -> Iterator[_Token]:
    position = 0
    while position < len(query):
        found, here = _TOKEN.match(query, position), _Token("", query[position], position + 1)
        if found is None:
            raise _wrong(here, "a quote without its end" if here.text in '"`' else f"{here.text} is no part of LogQL")
        if found.lastgroup != "space":
            yield _Token(str(found.lastgroup), found[0], position + 1)
        position = found.end()


def _bracketed(tokens: list[_Token]) -> None:
    opened: list[_Token] = []
    for token in tokens:
        if token.text in _CLOSING:
            opened.append(token)
        elif token.text in _CLOSING.values() and (not opened or _CLOSING[opened.pop().text] != token.text):
            raise _wrong(token, f"{token.text} without its beginning")
    if opened:
        raise _wrong(opened[-1], f"{opened[-1].text} without {_CLOSING[opened[-1].text]}")


def _selected(tokens: list[_Token]) -> None:
    """The first of ``tokens`` begins a stream selector."""
    place, some = 1, False
    while tokens[place].text != "}":
        label, operator, value, after = (*tokens[place : place + 4], *(_END,) * 4)[:4]
        if label.kind != "word" or operator.text not in _MATCHES or value.kind != "text":
            raise _wrong(label, 'a stream selector has matchers like namespace="shop"')
        if label.text in LINE_METADATA:
            raise _wrong(label, f"{label.text} is metadata, and no label: `| {label.text}=...` after the selector")
        if label.text not in STREAM_LABELS and (near := _near(label.text, STREAM_LABELS)):
            raise _wrong(label, f"no label {label.text}{near}")
        if after.text not in (",", "}") or (after.text == "," and tokens[place + 4].text == "}"):
            raise _wrong(after, "a comma is between matchers, and nowhere else")
        some |= operator.text in ("=", "=~") and value.text[1:-1] not in ("", ".*")
        place += 4 if after.text == "," else 3
    if not some:
        raise _wrong(tokens[0], "a selector of all streams: name one, or some by =~ with more than .*")


def _piped(stage: _Token, after: _Token) -> None:
    if stage.kind not in ("word", "end") and stage.text != "(":
        raise _wrong(stage, "after | comes a stage, or a label that is compared")
    if stage.kind == "word" and stage.text not in _STAGES and after.text not in _COMPARES:
        raise _wrong(stage, f"no stage {stage.text}{_near(stage.text, _STAGES)}")
    if stage.kind == "end":
        raise ValueError("a | at the end")


def _near(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.75)
    return f": did you mean {close[0]}?" if close else ""


def _wrong(token: _Token, what: str) -> ValueError:
    return ValueError(f"at character {token.place}: {what}")
