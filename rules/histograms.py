"""Histograms in PromQL, of both kinds: classic ones, with the label ``le``, and native ones, recorded without it."""

from __future__ import annotations

from collections.abc import Callable


def with_label(vector: str, label: str, value: str) -> str:
    """``vector`` with one more label."""
    return f'label_replace({vector}, "{label}", "{value}", "{label}", "")'


def without_le(native: str) -> str:
    """``native`` unchanged; the check of labels now knows a label ``le``, which is empty."""
    return with_label(native, "le", "")


Select = Callable[[str], str]
"""A function from a matcher to recorded buckets with this matcher."""
_CLASSIC, _NATIVE, _ALL = 'le!=""', 'le=""', 'le="+Inf"'


def every(select: Select) -> str:
    """PromQL: events of recorded buckets of both kinds."""
    return f"{select(_ALL)} or histogram_count({select(_NATIVE)})"


def judged(function: str, select: Select, by: str) -> str:
    """PromQL: ``function`` of the histogram of each ``by``. If it has both kinds, the one with more events counts.

    Both kinds exist while processes are replaced by ones with another configuration. They cannot be added.
    """
    classic, native = (f"{function}, sum by ({by}, le) ({select(kind)}))" for kind in (_CLASSIC, _NATIVE))
    seen = f"sum by ({by}) ({select(_ALL)}) >= histogram_count(sum by ({by}) ({select(_NATIVE)}))"
    return f"({native} unless {seen} or {classic})"


def of_all(number: str, select: Select) -> str:
    """PromQL: a quantile of all recorded buckets together; of the native ones if there are no classic ones."""
    classic, native = (f"histogram_quantile({number}, sum by (le) ({select(kind)}))" for kind in (_CLASSIC, _NATIVE))
    return f"{classic} or {native}"
