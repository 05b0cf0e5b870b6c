"""What Pulumi's engine will do, as ``pulumi preview --json`` says it, joined to the comparison of renders.

Of a step only its operation, its resource and the names of properties are read: values may be secrets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.diff.change import Change, Danger, Section, counted, listed
from tools.diff.renders import Unusable

_DATA = ("PersistentVolumeClaim", "Namespace", "StatefulSet")
"""Kinds of which data hangs. A patch of a claim is another kind."""
_SILENT = ("same", "read", "refresh")


def steps(path: Path) -> list[Mapping[str, Any]]:
    """The steps of a preview. Raises Unusable."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["steps"]
        if not all({"op", "urn"} <= step.keys() for step in found):
            raise KeyError("op")  # noqa: TRY301  told like any other
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        text = f"{path}: not the output of `pulumi preview --json`: {type(wrong).__name__}"
        raise Unusable(text) from None
    return list(found)


def compare(found: Sequence[Mapping[str, Any]]) -> Iterator[Change]:
    """A sentence for each resource that goes or is replaced, and one for the number of the others."""
    numbers: dict[str, int] = {}
    for step in sorted(found, key=lambda each: str(each["urn"])):
        op, (kind, name) = str(step["op"]), _resource(str(step["urn"]))
        loss = kind in _DATA
        if op == "replace":
            why = listed(sorted(map(str, step.get("replaceReasons") or step.get("diffReasons") or ())))
            text = f"the engine replaces {kind} {name}{f', because of {why}' if why else ''}"
            yield _change(text, loss=loss)
        elif op == "delete":
            yield _change(f"the engine deletes {kind} {name}", loss=loss)
        elif op not in _SILENT and not op.endswith("-replacement") and op != "delete-replaced":
            numbers[op] = numbers.get(op, 0) + 1
    if numbers:
        parts = (f"{op} {counted(number, 'resource')}" for op, number in sorted(numbers.items()))
        yield Change(Section.STATE, f"the engine will {', '.join(parts)}")


def _change(text: str, *, loss: bool) -> Change:
    return (
        Change(Section.STATE, text, Danger.LOSS, "data-lost") if loss else Change(Section.STATE, text, Danger.CAUTION)
    )


def _resource(urn: str) -> tuple[str, str]:
    """Kind and name in the program: ``urn:pulumi:dev::project::parent$kubernetes:apps/v1:StatefulSet::name``."""
    kind, _, name = urn.partition("::")[2].partition("::")[2].rpartition("::")
    return kind.rpartition("$")[2].rpartition(":")[2], name
