"""The stacks that tests record: the two of the checkout, and two that between them set every setting there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from components.settings.content import gathered
from components.settings.secrets import references
from components.settings.stack import Settings, read
from model.settings import ExistingSecret, Model
from rules.systems import examples
from tools import stack_file
from tools.local.stack_text import merged
from tools.recorder import ROOT

WHOLE = ("everything", "otherwise")
"""Every system is on, from its example. Two, since some parts exclude each other: one collector of logs or the other,
Badger or Elasticsearch, a disk or S3, this stack's own Grafana or an external one."""
RECORDED = ("dev", "prod", *WHOLE)


@cache
def config(name: str) -> dict[str, Any]:
    """The top-level keys of a recorded stack, without the project's prefix; shared, so not to be changed."""
    if name not in WHOLE:
        return stack_file.read(ROOT / f"Pulumi.{name}.yaml").config
    file = stack_file.read(ROOT / "tests" / "stacks" / f"{name}.yaml").config
    return {**file, "systems": merged(examples(), file.get("systems", {}))}


@cache
def settings(name: str) -> Settings:
    return read(config(name), folders=gathered(config(name), ROOT))


def secrets(name: str) -> dict[str, str]:
    """A value for each top-level secret that a stack refers to."""
    return {key: f"planted-{key}" for _, key in references(settings(name))}


def possible(kind: Any = Settings, above: tuple[type[Model], ...] = (), where: str = "") -> Iterator[str]:
    """The path of every setting: ``prometheus.remoteWrite.url``, the same for each part of a list or mapping.

    Where a secret comes from is no setting of its own: tests/test_secrets.py takes every secret from both sources. A
    model inside itself, as a route in a route, is not entered again.
    """
    if not (isinstance(kind, type) and issubclass(kind, Model)):
        for part in get_args(kind):
            yield from possible(part, above, where)
    elif kind is not ExistingSecret and kind not in above:
        for name, field in kind.model_fields.items():
            path = f"{where}{field.alias or name}"
            yield path
            yield from possible(field.annotation, (*above, kind), f"{path}.")


def given(value: Any, where: str = "") -> Iterator[str]:
    """The path of every setting that a stack file has given a value."""
    if isinstance(value, Model):
        for name in value.model_fields_set:
            path = f"{where}{type(value).model_fields[name].alias or name}"
            yield path
            yield from given(getattr(value, name), f"{path}.")
    elif isinstance(value, Mapping | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from given(part, where)
