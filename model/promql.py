"""Checks of PromQL expressions without a server: whether they parse, and which labels their results have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import promql_parser as promql
from promql_parser import AggModifierType, LabelModifierType, MatchOp, VectorMatchCardinality

Labels = frozenset[str] | None
"""Label names of every series of a result; None if they are unknown."""

NO_LABELS: Labels = frozenset()
_NUMBERS_BEFORE = {"histogram_quantile": 1, "quantile_over_time": 1, "histogram_fraction": 2}
_KEEPS_ITS_INPUT = ("topk", "bottomk", "limitk", "limit_ratio")


@lru_cache(maxsize=4096)  # a stack is read several times in one run, with the same rules
def parsed(expr: str) -> promql.Expr:
    """The parsed expression. Raises ValueError if it is not valid PromQL."""
    return promql.parse(expr)


def selectors(expr: str) -> Iterator[promql.VectorSelector]:
    """Every series selector in ``expr``."""
    return _selectors(parsed(expr))


def names(expr: str) -> frozenset[str]:
    """Names of the metrics that ``expr`` selects, or regular expressions for them; empty if a selector has no name."""
    found = list(selectors(expr))
    matchers = (matcher for selector in found for matcher in selector.matchers.matchers if matcher.name == "__name__")
    return frozenset(
        (
            *(selector.name for selector in found if selector.name),
            *(matcher.value for matcher in matchers if matcher.op in (MatchOp.Equal, MatchOp.Re)),
        )
    )


def narrowed(expr: str, matchers: str) -> str:
    """``expr`` with additional ``matchers`` on each of its selectors. They may contain a dashboard's variables."""
    return re.sub(_named(expr), lambda found: _with(found, matchers), expr)


def without(expr: str, label: str, expression: str, known: Mapping[str, Labels]) -> str:
    """``expr`` without the results whose ``label`` matches the regular expression; ``known`` as in `labels_of`.

    The matcher stands on those selectors alone that give the results this label: others, such as a total that each
    result is divided by, stay as they are. Raises ValueError if no selector gives it.
    """
    chosen = set(_givers(parsed(expr), label, known, 0))
    places = list(re.finditer(_named(expr), expr))
    if len(places) != len(list(selectors(expr))):
        raise ValueError(f"{expr}: a selector without a name")
    for position in sorted(chosen, reverse=True):
        found = places[position]
        expr = expr[: found.start()] + _with(found, f'{label}!~"{expression}"') + expr[found.end() :]
    return expr


def _named(expr: str) -> str:
    """A regular expression for the selectors that have a name, up to their brace."""
    names = sorted({selector.name for selector in selectors(expr) if selector.name})
    # Whole names, and not inside quotes.
    return rf"(?<![\w:\"])({'|'.join(names)})(?![\w:\"])(\{{)?"


def _with(found: re.Match[str], matchers: str) -> str:
    return f"{found[1]}{{{matchers}{', ' if found[2] else '}'}"


def _givers(node: promql.Expr, label: str, known: Mapping[str, Labels], before: int) -> Iterator[int]:
    """Positions of the selectors that give the result its ``label``, with ``before`` selectors to the left of it."""
    labels = _labels(node, known)
    if labels is not None and label not in labels:
        raise ValueError(f"{node}: has no label {label}")
    if isinstance(node, promql.VectorSelector | promql.MatrixSelector):
        yield before
    elif isinstance(node, promql.AggregateExpr | promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        yield from _givers(node.expr, label, known, before)
    elif isinstance(node, promql.BinaryExpr):
        right = before + len(list(_selectors(node.lhs)))
        sides = {"left": (node.lhs, before), "right": (node.rhs, right)}
        for side in _giving_sides(node, label):
            yield from _givers(sides[side][0], label, known, sides[side][1])
    elif isinstance(node, promql.Call):
        yield from _of_argument(node, label, known, before)


def _giving_sides(node: promql.BinaryExpr, label: str) -> tuple[str, ...]:
    operation = str(node.op).split(maxsplit=1)[0]
    matching = node.modifier.matching if node.modifier else None
    matched = matching is None or (label in matching.labels) == (matching.type == LabelModifierType.Include)
    if operation == "or":
        if not matched:  # what the left side loses, the right one would bring back
            raise ValueError(f"{node}: sides that are not matched by {label}")
        return ("left", "right")
    if operation in ("and", "unless") or _is_number(node.rhs):
        return ("left",)
    if _is_number(node.lhs):
        return ("right",)
    many_is_right = node.modifier is not None and node.modifier.card == VectorMatchCardinality.OneToMany
    from_one = node.modifier is not None and label in (node.modifier.group_labels or ())
    return ("right",) if many_is_right != from_one else ("left",)


def _of_argument(node: promql.Call, label: str, known: Mapping[str, Labels], before: int) -> Iterator[int]:
    """The same of a function's one vector."""
    if node.func.name in ("absent", "absent_over_time"):
        raise ValueError(f"{node}: is about what is not there")
    made = node.args[1] if node.func.name in ("label_replace", "label_join") else None
    if isinstance(made, promql.StringLiteral) and made.val == label:
        raise ValueError(f"{node}: makes {label} itself")
    for argument in node.args:
        if not isinstance(argument, promql.NumberLiteral | promql.StringLiteral):
            yield from _givers(argument, label, known, before)


def _selectors(node: promql.Expr) -> Iterator[promql.VectorSelector]:
    if isinstance(node, promql.VectorSelector):
        yield node
    elif isinstance(node, promql.MatrixSelector):
        yield node.vector_selector
    elif isinstance(node, promql.BinaryExpr):
        yield from _selectors(node.lhs)
        yield from _selectors(node.rhs)
    elif isinstance(node, promql.Call):
        for argument in node.args:
            yield from _selectors(argument)
    elif isinstance(node, promql.AggregateExpr | promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        yield from _selectors(node.expr)


def narrower(name: str, label: str, value: str) -> str:
    """Key for `labels_of` of those series of a metric that have one value of a label."""
    return f'{name}{{{label}="{value}"}}'


def labels_of(expr: str, known: Mapping[str, Labels]) -> Labels:
    """Label names that every series of the result has; ``known`` maps each metric, or a `narrower` part, to its labels.

    Raises ValueError for a metric that is not ``known``, and for a label in a selector, an aggregation or a vector
    matching that its series do not have.
    """
    return _labels_of(expr, tuple((key, known[key]) for key in _asked(expr) if key in known))


@lru_cache(maxsize=8192)  # as for `parsed`: the rules are checked each time, mostly against the same series
def _labels_of(expr: str, known: tuple[tuple[str, Labels], ...]) -> Labels:
    return _labels(parsed(expr), dict(known))


@lru_cache(maxsize=4096)
def _asked(expr: str) -> tuple[str, ...]:
    """All keys by which `labels_of` asks for series."""
    return tuple(dict.fromkeys(key for selector in selectors(expr) for key in _keys(selector)))


def _keys(selector: promql.VectorSelector) -> Iterator[str]:
    """Keys of the selected series, the narrower first; none without a name."""
    if selector.name is not None:
        for each in selector.matchers.matchers:
            if each.op == MatchOp.Equal:
                yield narrower(selector.name, each.name, each.value)
        yield selector.name


def _labels(node: promql.Expr, known: Mapping[str, Labels]) -> Labels:
    if isinstance(node, promql.VectorSelector):
        found = _selected(node, known)
    elif isinstance(node, promql.MatrixSelector):
        found = _selected(node.vector_selector, known)
    elif isinstance(node, promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        found = _labels(node.expr, known)
    elif isinstance(node, promql.AggregateExpr):
        found = _aggregated(node, known)
    elif isinstance(node, promql.BinaryExpr):
        found = _combined(node, known)
    elif isinstance(node, promql.Call):
        found = _called(node, known)
    else:
        found = NO_LABELS  # a number or a string
    return found


def _selected(selector: promql.VectorSelector, known: Mapping[str, Labels]) -> Labels:
    name = selector.name
    if name is None:
        # {__name__=~"..."} and similar: only the server knows which series they select.
        return None
    found = next((key for key in _keys(selector) if key in known), None)
    if found is None:
        raise ValueError(f"{name}: no such metric or recording rule")
    labels = known[found]
    _has(labels, [matcher.name for matcher in selector.matchers.matchers], f"{name} is selected")
    return labels


def _has(labels: Labels, asked: Iterable[str], what: str) -> None:
    missing = sorted(set(asked) - labels) if labels is not None else []
    if labels is not None and missing:
        raise ValueError(f"{what} by {', '.join(missing)}: its labels are {', '.join(sorted(labels)) or 'none'}")


def _aggregated(node: promql.AggregateExpr, known: Mapping[str, Labels]) -> Labels:
    inner, operation = _labels(node.expr, known), str(node.op)
    asked = list(node.modifier.labels) if node.modifier else []
    _has(inner, asked, f"{node.expr} is aggregated")
    if operation in _KEEPS_ITS_INPUT:
        return inner
    left: Labels = frozenset(asked)
    if node.modifier and node.modifier.type == AggModifierType.Without:
        left = None if inner is None else inner - frozenset(asked)
    if operation == "count_values" and left is not None and isinstance(node.param, promql.StringLiteral):
        return left | {node.param.val}
    return left


def _called(node: promql.Call, known: Mapping[str, Labels]) -> Labels:
    name, arguments = node.func.name, [_labels(argument, known) for argument in node.args]
    if name in ("absent", "absent_over_time"):
        if not isinstance(node.args[0], promql.VectorSelector | promql.MatrixSelector):
            return NO_LABELS  # another expression, such as a comparison
        return frozenset(
            matcher.name
            for selector in _selectors(node)
            for matcher in selector.matchers.matchers
            if matcher.op == MatchOp.Equal
        )
    if name in ("vector", "scalar", "time", "pi") or not arguments:
        return NO_LABELS
    if name in ("label_replace", "label_join"):
        target = node.args[1]
        assert isinstance(target, promql.StringLiteral)  # noqa: S101  the parser has checked the argument's type
        return None if arguments[0] is None else arguments[0] | {target.val}
    # The only vector among the arguments. The others are numbers, which come first for quantiles and fractions.
    vector = arguments[_NUMBERS_BEFORE.get(name, 0)]
    if name in ("histogram_quantile", "histogram_fraction") and vector is not None:
        if "le" not in vector:
            raise ValueError(f"{node.args[-1]}: a quantile needs the label le, and the aggregation has dropped it")
        return vector - {"le"}
    return vector


def _combined(node: promql.BinaryExpr, known: Mapping[str, Labels]) -> Labels:
    left, right = _labels(node.lhs, known), _labels(node.rhs, known)
    if _is_number(node.lhs):
        return right
    if _is_number(node.rhs):
        return left
    matching = node.modifier.matching if node.modifier else None
    asked = frozenset(matching.labels) if matching else frozenset[str]()
    on = matching is not None and matching.type == LabelModifierType.Include
    if on:
        _has(left, asked, f"{node.lhs} is matched")
        _has(right, asked, f"{node.rhs} is matched")
    operation = str(node.op).split(maxsplit=1)[0]
    if operation in ("and", "unless"):
        return left
    if operation == "or":
        return left & right if left is not None and right is not None else None
    if on:
        return _grouped(node, left, right, asked)
    if left is not None and right is not None and left - asked != right - asked:
        raise ValueError(f"{node}: no series match: {', '.join(sorted(left))} against {', '.join(sorted(right))}")
    return _grouped(node, left, right, None if left is None else left - asked)


def _grouped(node: promql.BinaryExpr, left: Labels, right: Labels, matched: Labels) -> Labels:
    """Labels of a vector matching: those ``matched``, or all labels of the "many" side."""
    if node.modifier is None or node.modifier.card == VectorMatchCardinality.OneToOne:
        return matched
    many = left if node.modifier.card == VectorMatchCardinality.ManyToOne else right
    return None if many is None else many | frozenset(node.modifier.group_labels or ())


def _is_number(node: promql.Expr) -> bool:
    if isinstance(node, promql.ParenExpr | promql.UnaryExpr):
        return _is_number(node.expr)
    if isinstance(node, promql.Call):
        return node.func.name in ("scalar", "time", "pi")
    if isinstance(node, promql.BinaryExpr):
        return _is_number(node.lhs) and _is_number(node.rhs)
    return isinstance(node, promql.NumberLiteral)


def single_quoted(expr: str) -> str:
    """The expression with ' for ": a state has it as JSON in JSON, or several times, where each " takes more."""
    return expr if any(each in expr for each in "'`\\") else expr.replace('"', "'")
