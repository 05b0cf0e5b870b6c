"""Values of labels as stack files name them, where ``*`` stands for any text, as regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable


def pattern(value: str) -> str:
    """A value as a regular expression without backslashes, whose rules within strings differ between engines."""
    return re.sub(r"[.+()]", r"[\g<0>]", value).replace("*", ".*")


def expression(values: Iterable[str]) -> str:
    """One regular expression for the whole label, which matches what one of ``values`` does."""
    return "|".join(map(pattern, values))
