"""Stack files with changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tools.recorder import PROJECT


def merged(base: Any, changes: Any) -> Any:
    """``base`` with ``changes``: mappings are merged key by key, in order; everything else is replaced."""
    if not isinstance(base, Mapping) or not isinstance(changes, Mapping):
        return changes
    changed = {key: merged(base.get(key), value) for key, value in changes.items()}
    return {**changed, **{key: value for key, value in base.items() if key not in changed}}


def stack_text(config: Mapping[str, Any], secure: tuple[str, ...] = ()) -> str:
    """A stack file (JSON is YAML) with these top-level keys, and encrypted values for the names in ``secure``."""
    keys = {**config, **{name: {"secure": "v1:bm9uY2U=:Y2lwaGVydGV4dA=="} for name in secure}}
    return json.dumps({"config": {f"{PROJECT}:{key}": value for key, value in keys.items()}})
