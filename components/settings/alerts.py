"""Overrides of the catalogue's alerts in a stack file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import Len
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from model.quantities import Duration
from model.rules import Severity
from model.settings import LabelName, Many, Model, Spelled, Team


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


# A template would be filled in when the alert fires, with what its author does not know of.
LabelText = Annotated[
    str, Spelled(r"[A-Za-z0-9 _.,:;/@+-]{1,128}", "a text of at most 128 letters, digits, spaces and _ . , : ; / @ + -")
]
AlertLabels = dict[LabelName, LabelText]
Excluded = Annotated[
    str,
    Spelled(
        r"(?!\*+$)[A-Za-z0-9 _.,:/@%+=~()*-]{1,253}",
        "a value of the label, in which * stands for any text, like sandbox-*; to exclude all, turn the alert off",
    ),
]


class Exclusion(Model):
    """Subjects that an alert leaves out; one value of one label is enough."""

    namespaces: Many[Excluded] = ()
    """Namespaces."""
    labels: dict[LabelName, Annotated[Many[Excluded], Len(min_length=1)]] = {}
    """Values of other labels that the alert has: `{workload: ["batch-*"]}`."""


class AlertOverride(Model):
    """The override of one alert on this stack."""

    critical: _Threshold = None
    """Threshold of severity critical, or `off`. Allowed if the alert has thresholds; a severity without is added."""
    warning: _Threshold = None
    """Threshold of severity warning, or `off`."""
    info: _Threshold = None
    """Threshold of severity info, or `off`."""
    for_: Duration | None = Field(default=None, alias="for")
    """How long the expression must be true before the alert fires."""
    severity: Severity | None = Field(default=None, strict=False)  # a word in YAML, no Severity yet
    """Severity of the alert. Allowed if the alert has no threshold per severity."""

    owner: Team | None = None
    """Team that owns the alert: its label `owner`, whatever it fires for."""
    labels: AlertLabels = {}
    """Labels of the alert, besides its own and `notifications.labels`."""
    exclude: Exclusion = Exclusion()
    """Subjects for which the alert does not fire."""

    @property
    def excluded(self) -> Mapping[str, tuple[str, ...]]:
        """The values that are left out, by label."""
        namespaces = (*self.exclude.namespaces, *self.exclude.labels.get("namespace", ()))
        return {**self.exclude.labels, **({"namespace": namespaces} if namespaces else {})}

    @property
    def thresholds(self) -> Mapping[Severity, float | None]:
        """The override's keys that are set, with None for ``off``."""
        return {severity: getattr(self, severity) for severity in Severity if severity in self.model_fields_set}


_KEYS = [field.alias or name for name, field in AlertOverride.model_fields.items()]


class OrOff:
    """``off`` in place of an override; YAML readers turn the bare word into ``false``."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def read(raw: object, override: core_schema.ValidatorFunctionWrapHandler) -> AlertOverride | None:
            if raw is False or raw == "off":
                return None
            if not isinstance(raw, dict | AlertOverride):
                raise PydanticCustomError("override", f"off, or a mapping with {', '.join(_KEYS[:-1])} or {_KEYS[-1]}")
            result: AlertOverride = override(raw)
            return result

        return core_schema.no_info_wrap_validator_function(read, handler.generate_schema(AlertOverride))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"enum": ["off", False]}, handler(schema["schema"])]}
