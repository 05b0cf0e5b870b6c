"""Systems that people write in Python: modules with a ``SYSTEM``, as the folders beside this one have it."""

from __future__ import annotations

import re
import sys
import traceback
from functools import cache
from types import ModuleType
from typing import Any

from model.content import CONTENT
from model.settings import Model, Problem
from rules.content.rule_files import stem
from rules.system import Surroundings, System
from rules.systems import SYSTEMS, USER_SLOS

_KEY = r"[a-z][a-zA-Z0-9]*"
_TAKEN = (CONTENT, USER_SLOS, *(each.key for each in SYSTEMS))


def system(path: str, text: str, found: list[Problem]) -> System[Any] | None:
    """The ``SYSTEM`` of a module; None, and a problem, if it has none."""
    try:
        made = getattr(_module(path, text), "SYSTEM", None)
    except Exception as wrong:  # noqa: BLE001  it is people's code, and whatever is wrong is reported like all else
        found.append(_told(path, wrong))
        return None
    if not isinstance(made, System):
        found.append(f"{path}: no SYSTEM: a value of the type {System.__module__}.{System.__name__}")
        return None
    if not re.fullmatch(_KEY, made.key) or made.key in _TAKEN:
        found.append(f'{path}: SYSTEM.key: "{made.key}": a word like myQueue that no system has')
        return None
    return made


@cache  # a module is made once, so that its types are the same in every read
def _module(path: str, text: str) -> ModuleType:
    module = ModuleType(f"content_{stem(path)}")
    module.__file__ = path
    sys.modules[module.__name__] = module  # where pydantic and dataclasses look their annotations up
    exec(compile(text, path, "exec"), module.__dict__)  # noqa: S102  it runs what the stack file names, as an import does
    return module


def misbuilt(path: str, made: System[Any], settings: Model, around: Surroundings) -> Problem | None:
    """What is wrong if the system cannot be built with these settings."""
    try:
        made.build(settings, around)
    except Exception as wrong:  # noqa: BLE001  as above
        return _told(path, wrong)
    return None


def _told(path: str, wrong: Exception) -> Problem:
    """With the last line of the module itself that was run."""
    lines = [frame.lineno for frame in traceback.extract_tb(wrong.__traceback__) if frame.filename == path]
    line = wrong.lineno if isinstance(wrong, SyntaxError) else next(reversed(lines), None)
    said = wrong.msg if isinstance(wrong, SyntaxError) else str(wrong)
    return f"{path}{f':{line}' if line else ''}: {type(wrong).__name__}: {' '.join(said.split())}"
