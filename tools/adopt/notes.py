"""What is said about each thing that is read: nothing of it is lost in silence."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    OURS = "The stack has these itself"
    LOST = "Not carried over"
    WITHOUT = "Carried over without"
    CHECK = "To check"


@dataclass(frozen=True)
class Line:
    kind: Kind
    where: str
    """File, object and field."""
    why: str
    """The reason, and what to do."""


LONGEST_KEY = 40
"""Characters in the name of a secret of the stack."""


@dataclass
class Notes:
    """Collected while objects are read, in their order."""

    lines: list[Line] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    """By key of the stack's configuration, where its value is now: a command that prints it, or words."""

    systems: set[str] = field(default_factory=set)
    """Systems of the stack that take the place of what is not carried over."""

    def ours(self, where: str, why: str) -> None:
        self._add(Kind.OURS, where, why)

    def lost(self, where: str, why: str) -> None:
        self._add(Kind.LOST, where, why)

    def without(self, where: str, why: str) -> None:
        self._add(Kind.WITHOUT, where, why)

    def check(self, where: str, why: str) -> None:
        self._add(Kind.CHECK, where, why)

    def _add(self, kind: Kind, where: str, why: str) -> None:
        line = Line(kind, where, " ".join(why.split()))
        if line not in self.lines:
            self.lines.append(line)

    def secret(self, words: Iterable[str], source: str) -> str:
        """The key of a secret: the same for the same ``source``. ``words`` say what it is."""
        for key, known in self.secrets.items():
            if known == source:
                return key
        # Letters only: a key with many digits could be a secret itself, and is refused as one.
        parts = [part for word in words for part in re.split(r"[^A-Za-z]+", word) if part]
        name = "".join(
            (part[0].lower() if number == 0 else part[0].upper()) + part[1:] for number, part in enumerate(parts)
        )
        key = name[: LONGEST_KEY - 2] or "adopted"
        number = 1
        while (unique := f"{key}{number if number > 1 else ''}") in self.secrets:
            number += 1
        self.secrets[unique] = source
        return unique


NO_SETTING = "the stack has no setting for it"
_EMPTY: tuple[object, ...] = (None, "", {}, [])


class Fields:
    """A mapping of an object. :meth:`rest` lists the fields that nobody took."""

    def __init__(self, given: object, where: str, notes: Notes, path: str = "") -> None:
        self.given: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        self.notes = notes
        self.path = path
        self._object = where
        self._taken: set[str] = set()
        if not isinstance(given, Mapping) and given not in _EMPTY:
            notes.lost(self.where, "a mapping is expected here: correct it, and run this again")

    @property
    def where(self) -> str:
        return f"{self._object}: {self.path}" if self.path else self._object

    def at(self, name: str) -> str:
        """Where a field is, for notes."""
        return f"{self._object}: {self._below(name)}"

    def _below(self, name: str) -> str:
        return f"{self.path}.{name}".lstrip(".")

    def take(self, name: str) -> Any:
        """The value, as it is; None if there is none."""
        self._taken.add(name)
        value = self.given.get(name)
        return None if value in _EMPTY else value

    def text(self, name: str) -> str:
        value = self.take(name)
        if isinstance(value, Mapping | list):
            self.notes.lost(self.at(name), "text is expected here: correct it, and run this again")
            return ""
        return "" if value is None else _spelled(value)

    def part(self, name: str) -> Fields:
        return Fields(self.take(name), self._object, self.notes, self._below(name))

    def parts(self, name: str) -> list[Fields]:
        """The mappings of a list."""
        return [
            Fields(each, self._object, self.notes, f"{self._below(name)}[{position}]")
            for position, each in enumerate(self.many(name))
        ]

    def many(self, name: str) -> list[Any]:
        value = self.take(name)
        if value is not None and not isinstance(value, list):
            self.notes.lost(self.at(name), "a list is expected here: correct it, and run this again")
            return []
        return value or []

    def texts(self, name: str) -> dict[str, str]:
        """A mapping of texts."""
        part = self.part(name)
        return {key: part.text(key) for key in part.given}

    def rest(self, reasons: Mapping[str, str] | None = None, defaults: Mapping[str, Any] | None = None) -> None:
        """Lists every field that was not taken, unless it is empty or says what is the default anyway."""
        reasons, defaults = reasons or {}, defaults or {}
        for name, value in self.given.items():
            if name in self._taken or value in _EMPTY or (name in defaults and defaults[name] == value):
                continue
            self.notes.without(self.at(name), reasons.get(name, NO_SETTING))

    def lost(self, why: str) -> None:
        """The whole of it is not carried over."""
        self.notes.lost(self.where, why)


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def filled(**parts: Any) -> dict[str, Any]:
    """The parts that have a value."""
    return {name: value for name, value in parts.items() if value not in _EMPTY and value is not False}


def slug(text: str, longest: int = 63) -> str:
    """A name as Kubernetes has it: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].rstrip("-")


def unique(name: str, taken: Collection[str], longest: int = 63) -> str:
    """The name, with a number if it is taken."""
    number, made = 1, name
    while made in taken:
        number += 1
        made = f"{name[: longest - len(f'-{number}')]}-{number}"
    return made
