"""Maps the spans of platforms to the GenAI conventions, before they are counted.

A span that is renamed keeps its own name as an attribute, by which Jaeger finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from components.otel_collector.ottl import Where, attribute, quoted, transform
from model.contract import Label, Span

OWN_NAME = "span.own_name"
"""Attribute with the name that the program gave the span."""
INDEX = "task.index"
"""Attribute with the number that was in a span's name."""


def made(spans: Iterable[Span]) -> dict[str, Any]:
    return transform(trace_statements=[Where(_is(span), list(_statements(span))) for span in spans])


def _is(span: Span) -> str:
    name = f"IsMatch(span.name, {quoted(f'^(?:{span.name})$')})"
    return f"{name} and {attribute(span.has, 'span')} != nil" if span.has else name


def _statements(span: Span) -> Iterator[str]:
    for ours, own in span.attributes:
        path, source = attribute(ours, "span"), attribute(own, "span")
        yield f"set({path}, {source}) where {path} == nil and {source} != nil"
    for label in span.bounded:
        yield from _bounded(label)
    if span.operation or _has_index(span):
        yield f"set({attribute(OWN_NAME, 'span')}, span.name)"
    if _has_index(span):
        found = f"ExtractPatterns(span.name, {quoted(f'^(?:{span.name})$')})"
        yield f'set({attribute(INDEX, "span")}, {found}["index"])'
        yield f"set(span.name, {quoted(span.shown)})"
    if span.operation:
        operation = attribute("gen_ai.operation.name", "span")
        yield f"set({operation}, {quoted(span.operation)}) where {operation} == nil"
        yield f"set(span.name, {quoted(span.operation)})"
    if span.subject:
        subject = attribute(span.subject, "span")
        yield f'set(span.name, Concat([{quoted(span.operation)}, {subject}], " ")) where {subject} != nil'


def _has_index(span: Span) -> bool:
    return "(?P<index>" in span.name


def _bounded(label: Label) -> Iterator[str]:
    """The value that is not known stays beside the bounded one, for whoever reads the trace."""
    path, own = attribute(label.name, "span"), attribute(f"{label.name}.own", "span")
    known = f"^(?:{'|'.join(label.values)})$"
    other = f"{path} != nil and not IsMatch({path}, {quoted(known)})"
    yield f"set({own}, {path}) where {other}"
    yield f"set({path}, {quoted('other')}) where {other}"
