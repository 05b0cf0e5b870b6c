"""The parts of a service level objective, as a stack file spells them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Self

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator

from model.quantities import Duration, Quantity
from model.rules import decimal
from model.settings import LabelName, Many
from model.slo import BY, LONGEST, SHORTEST, VALUE

MOST_VALUES = 500
"""Of one objective: 18,000 series."""
TAKEN = {*BY.split(", "), VALUE, "slo", "burn", "symptom", "severity", "owner", "system", "objective", "window", "le"}
"""Labels that objectives and alerts have already, and a bucket's end."""


@dataclass(frozen=True)
class Objective(Quantity):
    """A percentage, exact: 99.9 in YAML is 99.9 and never 99.90000000000001."""

    percent: Decimal

    EXPECTED = "a percentage between 50 and 99.999, like 99.9"
    PATTERN = r"^[0-9]{2}(\.[0-9]{1,6})?$"
    JSON_TYPES = ("string", "number")

    @classmethod
    def parse(cls, raw: object) -> Self:
        text = str(raw)
        if isinstance(raw, bool) or not isinstance(raw, str | int | float) or not re.fullmatch(cls.PATTERN, text):
            raise ValueError
        if not 50 <= Decimal(text) <= Decimal("99.999"):
            raise ValueError
        return cls(Decimal(text))

    @property
    def ratio(self) -> Decimal:
        return self.percent / 100

    def __str__(self) -> str:
        return decimal(self.percent)


def _within_bounds(window: Duration) -> Duration:
    if not SHORTEST <= window <= LONGEST:
        raise ValueError(f"a duration between {SHORTEST} and {LONGEST}")
    return window


def _free(labels: tuple[str, ...]) -> tuple[str, ...]:
    if taken := sorted(TAKEN & set(labels)):
        raise ValueError(f"labels that an objective does not have anyway, like agent: not {', '.join(taken)}")
    if len(set(labels)) < len(labels):
        raise ValueError("each label once")
    return labels


Window = Annotated[Duration, AfterValidator(_within_bounds)]
By = Annotated[Many[LabelName], Len(max_length=3), AfterValidator(_free)]
MaximumValues = Annotated[int, Ge(1), Le(MOST_VALUES)]
