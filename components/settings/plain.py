"""Checks of every value of a stack file, of any key: values that YAML or Python can hold and configurations cannot."""

from __future__ import annotations

import math
from collections.abc import Iterator

from model.settings import Problem, problem

DEEPEST = 100
"""Maximum nesting of mappings and lists: fifty nested routes. More is a mistake, and parsers have limits."""
LONGEST_KEY = 253 + 1 + 63
"""Maximum length of a key in characters: a label with its prefix."""
LONGEST_TEXT = 65_536
"""Maximum length of a text in characters: a quarter of the API server's limit for an object's annotations."""
LARGEST = 2**63 - 1
"""The servers count in 64 bits."""


def unusable(value: object, path: str, depth: int = 0) -> Iterator[Problem]:
    """Problems of ``value`` and everything in it. Text is not shown, since it may be a secret in plain."""
    if depth > DEEPEST:
        yield f"{path}: at most {DEEPEST} nested mappings and lists"
    elif isinstance(value, dict):
        for key, part in value.items():
            wrong = list(_key(key, path))
            yield from wrong or unusable(part, f"{path}.{key}", depth + 1)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from unusable(part, f"{path}[{position}]", depth + 1)
    else:
        yield from _single(value, path)


def _key(key: object, path: str) -> Iterator[Problem]:
    if not isinstance(key, str):
        # Python refuses to print a number with thousands of digits.
        name = "" if isinstance(key, int) and abs(key) > LARGEST else f".{key}"
        yield f"{path}{name}: a key that is text: put it in quotes"
    elif len(key) > LONGEST_KEY:
        yield f"{path}.{key[:57]}...: a key of at most {LONGEST_KEY} characters"
    else:
        yield from _text(key, f"{path}.{key}", "a key")


def _single(value: object, path: str) -> Iterator[Problem]:
    if isinstance(value, str):
        yield from _text(value, path, "text")
    elif isinstance(value, float) and not math.isfinite(value):
        yield problem(path, value, "a finite number")
    elif isinstance(value, int | float) and abs(value) > LARGEST:
        yield f"{path}: a number of at most 64 bits"
    elif value is not None and not isinstance(value, int | float):
        yield problem(path, str(value), "text in quotes, or YAML takes it for something else")


def _text(text: str, path: str, what: str) -> Iterator[Problem]:
    if len(text) > LONGEST_TEXT:
        yield f"{path}: {what} of at most {LONGEST_TEXT} characters"
    # Halves of surrogate pairs are no characters. Of the control characters, only tab and line breaks are allowed.
    wrong = next((each for each in text if (each < " " and each not in "\t\n\r") or "\ud800" <= each <= "\udfff"), None)
    if wrong is not None:
        yield f"{path}: {what} without control characters: U+{ord(wrong):04X} is one"


def one_line(text: Problem) -> Problem:
    """The problem, with escapes for the characters that would break the line or cannot be encoded."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
