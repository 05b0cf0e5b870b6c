"""What tests of content share: a stack with files that exist only in the test."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent
from typing import Any

import pytest

from components.settings.stack import Refused, Settings, read

CLUSTER = {"name": "c-1", "environment": "dev", "context": "c-1", "flavour": "kind"}
FOLDER = "ours/"
STUCK = """
- alert: OrdersStuck
  expr: sum by (queue) (orders_waiting) > 10
  for: 5m
  labels: {severity: critical, team: shop}
  annotations: {summary: "Orders of {{ $labels.queue }} wait.", description: "{{ $value }} orders wait."}
"""


def brought(files: Mapping[str, str], **sections: Any) -> Settings:
    """A stack with one content folder of these files, path within it to text."""
    inside = {f"ours/{path}": dedent(text).lstrip("\n") for path, text in files.items()}
    return read({"cluster": CLUSTER, "content": [FOLDER], **sections}, None, {FOLDER: inside})


def refused(files: Mapping[str, str], **sections: Any) -> list[str]:
    with pytest.raises(Refused) as wrong:
        brought(files, **sections)
    return wrong.value.problems


def rules(*texts: str, group: str = "shop") -> str:
    """A rule file with one group."""
    inside = "".join("".join(f"      {line}\n" for line in dedent(text).strip().splitlines()) for text in texts)
    return f"groups:\n  - name: {group}\n    rules:\n{inside}"
