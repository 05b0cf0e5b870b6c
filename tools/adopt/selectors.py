"""Label selectors of monitors, in the two forms that a scrape job has: labels for the API server, and relabelling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.adopt.notes import Fields
from tools.adopt.scraped import meta


def selected(given: Fields, found: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Labels that all have, and steps for what labels cannot say; ``found`` is what discovery finds: service or pod."""
    labels = given.texts("matchLabels")
    steps = []
    for part in given.parts("matchExpressions"):
        key, operator, values = part.text("key"), part.text("operator"), [str(each) for each in part.many("values")]
        part.rest()
        if operator == "In" and len(values) == 1 and labels.get(key, values[0]) == values[0]:
            labels[key] = values[0]
        elif step := next(_step(found, meta(key), operator, values), None):
            steps.append(step)
        else:
            part.notes.without(part.where, f"{operator}: In, NotIn, Exists and DoesNotExist are known")
    given.rest()
    return labels, steps


def _step(found: str, key: str, operator: str, values: list[str]) -> Iterator[dict[str, Any]]:
    whole = "|".join(each.replace(".", r"\.") for each in values)
    label, present = f"__meta_kubernetes_{found}_label_{key}", f"__meta_kubernetes_{found}_labelpresent_{key}"
    match operator:
        case "In":
            yield {"sourceLabels": [label], "regex": whole, "action": "keep"}
        case "NotIn":
            yield {"sourceLabels": [label], "regex": whole, "action": "drop"}
        case "Exists":
            yield {"sourceLabels": [present], "regex": "true", "action": "keep"}
        case "DoesNotExist":
            yield {"sourceLabels": [present], "regex": "true", "action": "drop"}
