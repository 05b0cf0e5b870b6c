"""Overrides of the catalogue's alerts in a stack file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from model.quantities import Duration
from model.rules import BaseAlert, Severity
from model.settings import Model, Problem, problem


class _NumberOrOff:
    """``off`` in place of a threshold; YAML readers turn the bare word into ``false``."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def read(raw: object) -> float | None:
            if raw is False or raw == "off":
                return None
            if isinstance(raw, bool) or not isinstance(raw, int | float):
                raise PydanticCustomError("threshold", "a number, or off")
            return raw

        return core_schema.no_info_plain_validator_function(read)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "number"}, {"enum": ["off", False]}]}


_Threshold = Annotated[float | None, _NumberOrOff]


class AlertOverride(Model):
    """The override of one alert on this stack."""

    critical: _Threshold = None
    """Threshold of severity critical, or `off`. Allowed if the alert has a critical threshold."""
    warning: _Threshold = None
    """Threshold of severity warning, or `off`."""
    info: _Threshold = None
    """Threshold of severity info, or `off`."""
    for_: Duration | None = Field(default=None, alias="for")
    """How long the expression must be true before the alert fires."""
    severity: Severity | None = Field(default=None, strict=False)  # a word in YAML, no Severity yet
    """Severity of the alert. Allowed if the alert has no threshold per severity."""

    @property
    def thresholds(self) -> Mapping[Severity, float | None]:
        """The override's keys that are set, with None for ``off``."""
        return {severity: getattr(self, severity) for severity in Severity if severity in self.model_fields_set}


class OrOff:
    """``off`` in place of an override; YAML readers turn the bare word into ``false``."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def read(raw: object, override: core_schema.ValidatorFunctionWrapHandler) -> AlertOverride | None:
            if raw is False or raw == "off":
                return None
            if not isinstance(raw, dict | AlertOverride):
                raise PydanticCustomError("override", "off, or a mapping with critical, warning, info, for or severity")
            result: AlertOverride = override(raw)
            return result

        return core_schema.no_info_wrap_validator_function(read, handler.generate_schema(AlertOverride))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"enum": ["off", False]}, handler(schema["schema"])]}


def misfits(path: str, alert: BaseAlert, override: AlertOverride) -> Iterator[Problem]:
    """The keys of ``override`` that the alert does not have."""
    named = ", ".join(alert.thresholds) or "none at all"
    given = {severity: "off" if number is None else number for severity, number in override.thresholds.items()}
    unknown = [severity for severity in given if severity not in alert.thresholds]
    for severity in unknown:
        yield problem(f"{path}.{severity}", given[severity], f"a severity that the alert has a threshold for: {named}")
    if override.severity and len(alert.thresholds) > 1:
        yield problem(f"{path}.severity", override.severity, f"left out: there is a threshold for each of {named}")
    elif not unknown:
        try:
            alert.changed(thresholds=override.thresholds, severity=override.severity, for_=override.for_)
        except ValueError:
            order = "smaller" if alert.below else "larger"
            numbers = ", ".join(f"{severity} {number}" for severity, number in given.items())
            yield problem(path, numbers, f"thresholds of which the more urgent is the {order}")
