"""What a part of the stack says against a value, in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from model.settings import problems


def refused(model: type[BaseModel], given: Mapping[str, Any]) -> str:
    """Why the model refuses the value; empty if it takes it."""
    try:
        model.model_validate(given)
    except ValidationError as error:
        return "; ".join(problems(error, model))
    return ""
