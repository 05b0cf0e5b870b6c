"""The queries of a dashboard's JSON, with values for Grafana's variables, so that they can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from model.promql import parsed

PROMETHEUS, LOKI = "prometheus", "loki"
_VARIABLE = re.compile(r"\$\{(?P<braced>\w+)(?:[.:][^}]*)?\}|\$(?P<bare>[a-zA-Z_]\w*)|\[\[(?P<old>\w+)(?::\w+)?\]\]")
_TIMES = {"__range_s": "21600", "__range_ms": "21600000", "__interval_ms": "60000", "__from": "0", "__to": "1"}
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`", re.DOTALL)
_OF_VARIABLE = re.compile(r"\s*(?P<asks>label_values|query_result)\s*\((?P<inside>.*)\)\s*", re.DOTALL)


def queries(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """Every query of Prometheus as it is written: panels, annotations, variables."""
    yield from _expressions(dashboard, PROMETHEUS, PROMETHEUS)
    for variable in dashboard.get("variables") or ():  # of schema v2
        spec = variable.get("spec") if isinstance(variable, dict) else None
        if isinstance(spec, dict) and variable.get("kind") == "QueryVariable":
            query = spec.get("query")
            if isinstance(query, dict) and query.get("group") == PROMETHEUS:
                inside = query.get("spec")
                yield from _of_variable(inside.get("query") if isinstance(inside, dict) else None)
    templating = dashboard.get("templating")
    for variable in templating.get("list", ()) if isinstance(templating, dict) else ():
        if isinstance(variable, dict) and variable.get("type") == "query" and _kind(variable, PROMETHEUS) == PROMETHEUS:
            yield from _of_variable(variable.get("query"))


def log_queries(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every query of Loki as it is written, and with values for its variables, if these stand in quotes and ranges."""
    for expr in _expressions(dashboard, PROMETHEUS, LOKI):
        if _with(expr, "", quoted="x") == _with(expr, "x", quoted="x"):
            yield expr, _with(expr, "", quoted="x")


def _expressions(node: Any, around: str, wanted: str) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _expressions(each, around, wanted)
    elif isinstance(node, dict):
        kind = _kind(node, around)
        if isinstance(node.get("expr"), str) and node["expr"].strip() and kind == wanted:
            yield node["expr"]
        for key, part in node.items():
            if key not in ("datasource", "templating", "variables"):
                yield from _expressions(part, kind, wanted)


def _kind(node: Mapping[str, Any], around: str) -> str:
    if node.get("kind") == "DataQuery":
        return str(node.get("group", around))
    datasource = node.get("datasource")
    if not isinstance(datasource, dict):
        return around
    kind = str(datasource.get("type", around))
    return around if kind in ("datasource", "mixed") else kind


def _of_variable(query: Any) -> Iterator[str]:
    found = _OF_VARIABLE.fullmatch(str(query.get("query") if isinstance(query, dict) else query))
    if found and found["asks"] == "query_result":
        yield found["inside"]
    elif found and "," in found["inside"]:  # with a label alone, it asks for all series
        yield found["inside"].rpartition(",")[0]


def filled(expr: str) -> str:
    """The query with some value for each variable.

    Raises ValueError with the parser's words if it is no PromQL whatever the variables are, and LookupError if that
    depends on them.
    """
    first: ValueError | None = None
    # Outside of quotes and ranges a variable stands for a number, a name, a matcher or an operator.
    for outside in ("1", "x", 'x="y"', "+", "sum", "x, "):
        text = _with(expr, outside)
        try:
            parsed(text)
        except ValueError as wrong:
            first = first or wrong
        else:
            return text
    if _with(expr, "") != _with(expr, "x"):
        raise LookupError
    raise ValueError(" ".join(str(first).split()))


def _with(expr: str, outside: str, *, quoted: str = ".*") -> str:
    texts = [found.span() for found in _QUOTED.finditer(expr)]

    def value(found: re.Match[str]) -> str:
        name, before = found["braced"] or found["bare"] or found["old"], expr[: found.start()]
        if name in _TIMES:
            return _TIMES[name]
        if any(start <= found.start() < end for start, end in texts):
            return quoted
        in_range = before.rfind("[") > before.rfind("]") or before.rstrip().endswith("offset")
        return "5m" if in_range else outside

    return _VARIABLE.sub(value, expr)
