"""How far back rules read, by series: the depth that a history needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import promql_parser as promql

from model.promql import parsed

LOOKBACK = 300.0
"""Seconds that Prometheus looks back for the sample of an instant selector."""


def depths(exprs: Iterable[str]) -> dict[str, float]:
    """Seconds that the expressions read back, by name of a series; the maximum of all expressions.

    Ranges, steps of subqueries and nested offsets are added.
    """
    found: dict[str, float] = {}
    for expr in exprs:
        for name, seconds in _read(parsed(expr), 0):
            found[name] = max(seconds, found.get(name, 0))
    return found


def _read(node: promql.Expr, before: float) -> Iterator[tuple[str, float]]:
    """Each series in ``node``, which is evaluated at times up to ``before`` seconds ago."""
    if isinstance(node, promql.VectorSelector):
        yield _selected(node, before + LOOKBACK)
    elif isinstance(node, promql.MatrixSelector):
        yield _selected(node.vector_selector, before + _seconds(node.range))
    elif isinstance(node, promql.SubqueryExpr):
        yield from _read(node.expr, before + _seconds(node.range) + _seconds(node.offset))
    elif isinstance(node, promql.BinaryExpr):
        yield from _read(node.lhs, before)
        yield from _read(node.rhs, before)
    elif isinstance(node, promql.Call):
        for argument in node.args:
            yield from _read(argument, before)
    elif isinstance(node, promql.AggregateExpr | promql.ParenExpr | promql.UnaryExpr):
        yield from _read(node.expr, before)


def _selected(selector: promql.VectorSelector, before: float) -> tuple[str, float]:
    if selector.name is None or selector.at:
        raise ValueError(f"{selector}: it selects series without a name, so their depth is unknown")
    return selector.name, before + _seconds(selector.offset)


def _seconds(span: timedelta | None) -> float:
    return span.total_seconds() if span else 0
