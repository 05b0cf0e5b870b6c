"""The objective of a service level, as a stack file spells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from model.quantities import Quantity
from model.rules import decimal


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
