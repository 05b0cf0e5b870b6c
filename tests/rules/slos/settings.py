"""The objectives of a stack file: one with each kind of indicator, and two by some labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.settings.slos import SloSettings

SETTINGS: tuple[Mapping[str, Any], ...] = (
    {
        "name": "checkout",
        "objective": 99,
        "total": "checkout_requests_total",
        "errors": 'checkout_requests_total{code="500"}',
        "owner": "shop",
    },
    {
        "name": "answers",
        "objective": 95,
        "window": "90d",
        "total": "answers_total",
        "good": 'answers_total{quality="good"}',
        "owner": "shop",
    },
    {
        "name": "in-time",
        "objective": 99.5,
        "latency": {"histogram": 'answer_seconds{job="shop"}', "atMost": "1s"},
        "owner": "shop",
    },
    {"name": "queue", "objective": 90, "gauge": {"metric": "queue_age_seconds", "atMost": 60}, "owner": "shop"},
    {
        "name": "sales",
        "objective": 99,
        "window": "7d",
        "by": ["tenant"],
        "maximumValues": 2,
        "total": "sales_total",
        "errors": 'sales_total{code="500"}',
        "namespace": "shop",
        "service": "till",
        "owner": "shop",
    },
    {
        "name": "delivery",
        "objective": 95,
        "by": ["shop", "road"],
        "maximumValues": 1,
        "total": "deliveries_total",
        "good": 'deliveries_total{late="no"}',
        "owner": "shop",
    },
)
"""`slos` of the stack on which they are tried."""

CHECKOUT, ANSWERS, IN_TIME, QUEUE, SALES, DELIVERY = (SloSettings.model_validate(each).slo for each in SETTINGS)
