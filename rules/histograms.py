"""Histograms in PromQL, of both kinds: classic ones, with the label ``le``, and native ones, recorded without it."""

from __future__ import annotations

from collections.abc import Callable


def with_label(vector: str, label: str, value: str) -> str:
    """``vector`` with a label that it does not have yet."""
    return f'label_replace({vector}, "{label}", "{value}", "{label}", "")'


def without_le(native: str) -> str:
    """The same: it says that ``le`` may be asked for, where there is none."""
    return with_label(native, "le", "")


Select = Callable[[str], str]
"""Recorded buckets with a further matcher."""
_CLASSIC, _NATIVE, _ALL = 'le!=""', 'le=""', 'le="+Inf"'


def every(select: Select) -> str:
    """Events of recorded buckets of both kinds."""
    return f"{select(_ALL)} or histogram_count({select(_NATIVE)})"


def judged(function: str, select: Select, by: str) -> str:
    """A function of the histogram of each ``by``; of one that has both kinds, of that with more events.

    Both are there while processes are replaced by others that are set up otherwise. They cannot be added.
    """
    classic, native = (f"{function}, sum by ({by}, le) ({select(kind)}))" for kind in (_CLASSIC, _NATIVE))
    seen = f"sum by ({by}) ({select(_ALL)}) >= histogram_count(sum by ({by}) ({select(_NATIVE)}))"
    return f"({native} unless {seen} or {classic})"
