"""Every rule of the catalogue by example: a module per system, in the one vocabulary of `examples`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec

from rules.systems import SYSTEMS, USER_SLOS
from tests.rules.examples import Example


def _examples(system: str) -> tuple[Example, ...]:
    """Those of ``tests/rules/<key>``, a file or a folder; none where it is missing, which `test_complete` reports."""
    module = f"{__name__}.{system}"
    return tuple(import_module(module).EXAMPLES) if find_spec(module) else ()


EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    key: _examples(key) for key in (*(system.key for system in SYSTEMS), USER_SLOS)
}
"""By system: everything that its alerts and recording rules are tried with."""
