"""Spans of platforms: mapped where the platform is on, after masking, and only those that are meant."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components.jaeger.config import DIMENSIONS
from components.otel_collector.processors import NAMES
from model.contract import Span
from rules.systems import SYSTEMS
from tests.conftest import Stacks
from tools.local.rendered import loaded

PLATFORMS = {system.key: system for system in SYSTEMS if system.contract and system.contract.spans}
SPANS = [
    (key, span) for key, system in PLATFORMS.items() for span in (system.contract.spans if system.contract else ())
]
every_span = pytest.mark.parametrize(
    "span", [span for _, span in SPANS], ids=[f"{key} {span.shown}" for key, span in SPANS]
)


def collector(stack: Stacks, *keys: str) -> dict[str, Any]:
    on = {key: PLATFORMS[key].example.model_dump(by_alias=True, exclude_unset=True, mode="json") for key in keys}
    made: dict[str, Any] = loaded(stack("dev", systems=on).files["otel-collector/config/collector.yaml"])
    return made


@pytest.mark.parametrize("key", PLATFORMS)
def test_spans_are_mapped_where_their_platform_is_on(key: str, stack: Stacks) -> None:
    made = collector(stack, key)
    contract = PLATFORMS[key].contract
    order = made["service"]["pipelines"]["traces"]["processors"]

    assert contract
    assert len(made["processors"][NAMES]["trace_statements"]) == len(contract.spans)
    assert order.index("transform/redact") < order.index(NAMES), "what is copied is masked already"


def test_spans_stay_as_they_are_without_a_platform(stack: Stacks) -> None:
    made = collector(stack)

    assert NAMES not in made["processors"]
    assert NAMES not in made["service"]["pipelines"]["traces"]["processors"]


@every_span
def test_a_span_is_told_by_its_name_or_by_an_attribute(span: Span) -> None:
    """Two platforms may be on at once: none takes the other's spans."""
    others = [other for _, other in SPANS if other is not span and re.fullmatch(span.name, other.shown)]

    assert re.fullmatch(span.name, span.shown)
    assert span.has or not others


@every_span
def test_an_attribute_that_is_bounded_is_a_dimension_with_few_values(span: Span) -> None:
    for label in span.bounded:
        assert label.name in DIMENSIONS
        assert 0 < len(label.values) < 20


@every_span
def test_the_new_name_is_made_of_what_the_span_has(span: Span) -> None:
    assert not span.subject or span.operation
    assert not span.subject or span.subject in dict(span.attributes)
