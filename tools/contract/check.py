"""What is wrong with what an application emits, by the contract of its platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from model.contract import Contract, Emitted, Label
from model.metrics import Kind
from tools.contract.reading import Seen

_NEAR = 0.8
"""Least likeness of a misspelled name, from 0 to 1. A name without its `_total` is 0.9 like the right one."""


def problems(contract: Contract, seen: Mapping[str, Seen]) -> Iterator[str]:
    """One line for each problem, with the metric first.

    Of a platform of several programs, each emits a part. A part of which nothing is there is another program's.
    """
    known = {each.name for part in contract.parts for each in part.emits}
    others = sorted(seen.keys() - known)
    here = [part for part in contract.parts if any(each.name in seen for each in part.emits)] or contract.parts
    for part in here:
        for each in part.emits:
            if each.name in seen:
                yield from _wrong(each, seen[each.name])
            elif near := get_close_matches(each.name, others, n=1, cutoff=_NEAR):
                yield f"{each.name}: misnamed: {near[0]} is emitted"
            elif not each.optional:
                yield f"{each.name}: missing: a {each.kind}. {each.meaning}"


def _wrong(expected: Emitted, found: Seen) -> Iterator[str]:
    name = expected.name
    if found.kind is not expected.kind:
        was = f"a {found.kind}" if found.kind else "of no type"
        yield f"{name}: is {was}: emit a {expected.kind}"
        if Kind.HISTOGRAM in (found.kind, expected.kind):
            return
    labels = {label.name: label for label in expected.labels}
    for lacking in sorted(labels.keys() - found.labels.keys()):
        yield f"{name}: label {lacking} is missing: {labels[lacking].meaning}"
    for unknown in sorted(found.labels.keys() - labels.keys()):
        count = len(found.labels[unknown])
        yield f"{name}: label {unknown} is not in the contract ({count} values): each value makes series of its own"
    for label in labels.values():
        yield from _unbounded(name, label, found.labels.get(label.name, set()))
    if not found.native and (lacking_bounds := sorted(set(expected.buckets) - found.bounds)):
        bounds = ", ".join(f"{bound:g}" for bound in lacking_bounds)
        yield f"{name}: no bucket at {bounds}: rules compare with it, and a quantile is only as exact as its bucket"


def _unbounded(name: str, label: Label, values: set[str]) -> Iterator[str]:
    if label.values:
        for value in sorted(values - set(label.values)):
            yield f'{name}: {label.name}="{value}": one of {", ".join(label.values)}'
    elif len(values) > label.most:
        some = ", ".join(sorted(values)[:3])
        yield f"{name}: label {label.name} has {len(values)} values ({some}, ...): at most {label.most}"
