"""No field of the operator's objects is lost in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.adopt.fields import FIELDS, WITH
from tests.adopt.shapes import SMALLEST, made, result, with_field
from tools.adopt.notes import Line
from tools.adopt.result import Result

EVERY = [(kind, path) for kind, fields in FIELDS.items() for path in fields]


def smallest(kind: str, path: str) -> Any:
    """The smallest object in which the field means something."""
    spec: Any = SMALLEST[kind]
    for start, others in WITH.get(kind, {}).items():
        if path.startswith(start):
            for each, value in others.items():
                spec = with_field(spec, each, value)
    return spec


def names(line: Line, path: str) -> bool:
    """Whether a note is about the field, about one below it, or about all that it is a part of."""
    field = f"{line.where.split(': ')[2].replace('[0]', '[]')}." if line.where.count(": ") > 1 else ""
    return bool(field) and (field.startswith(f"{path}.") or f"{path}.".startswith(field))


def carried(of: Result) -> tuple[object, Mapping[str, str]]:
    return of.sections, {**of.content, **of.notes.secrets}


@pytest.mark.parametrize(("kind", "path"), EVERY, ids=[f"{kind}: {path}" for kind, path in EVERY])
def test_every_field_is_carried_over_or_listed(kind: str, path: str) -> None:
    spec = smallest(kind, path)
    before, after = result(made(kind, spec)), result(made(kind, with_field(spec, path, FIELDS[kind][path])))
    assert carried(before) != carried(result()), "without the field, the object is carried over"
    listed = [line for line in after.notes.lines if names(line, path)]
    assert listed or carried(after) != carried(before), f"{path} is lost in silence"
    assert all(line.why for line in listed)


@pytest.mark.parametrize("kind", SMALLEST)
def test_a_field_that_nobody_knows_yet_is_listed(kind: str) -> None:
    after = result(made(kind, with_field(SMALLEST[kind], "fieldOfTomorrow", "a")))
    assert any("fieldOfTomorrow" in line.where for line in after.notes.lines)
