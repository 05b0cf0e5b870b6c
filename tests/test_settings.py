"""The settings as a whole: documented, frozen, and with defaults that a person could have written."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from pydantic import BaseModel, ValidationError

from components.settings.stack import Refused, Settings, read
from model.quantities import Bytes, Cpu, Duration
from model.rules import Severity
from model.settings import ConfigSecret, ExistingSecret
from rules.systems import SYSTEMS
from tests.stack_settings import RECORDED, config

CLUSTER = {"name": "dev-1", "environment": "dev", "context": "kind-dev", "flavour": "kind"}


def models_in(annotation: Any, known: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """``known``, with every settings model that an annotation names, and those that these lead to."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in known:
        known.add(annotation)
        for field in annotation.model_fields.values():
            models_in(field.annotation, known)
    for part in get_args(annotation):
        models_in(part, known)
    return known


MODELS = sorted(models_in(Settings, set()), key=lambda model: model.__name__)


def written(settings: BaseModel) -> dict[str, Any]:
    """The settings as a stack file: through YAML, as a person would read it."""
    plain: dict[str, Any] = yaml.safe_load(yaml.safe_dump(settings.model_dump(mode="json", by_alias=True)))
    return plain


def defaults_in(node: Any) -> Iterator[Any]:
    """Every default of a JSON Schema, and what is in it."""
    if isinstance(node, dict):
        for key, part in node.items():
            yield from ([part] if key == "default" else [])
            yield from defaults_in(part)
    elif isinstance(node, list):
        for part in node:
            yield from defaults_in(part)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Settings.model_json_schema()


def test_the_walk_finds_every_model() -> None:
    assert {Settings, ConfigSecret, ExistingSecret, *(system.settings for system in SYSTEMS)} <= set(MODELS)
    assert len(MODELS) > 25


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_and_field_says_what_it_is(model: type[BaseModel]) -> None:
    assert (model.__doc__ or "").strip()
    for name, field in model.model_fields.items():
        assert (field.description or "").strip().endswith((".", "?", ")")), f"{model.__name__}.{name}: a sentence"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_is_frozen_and_takes_nothing_unknown(model: type[BaseModel]) -> None:
    assert model.model_config.get("frozen")
    if model is not ConfigSecret:  # made from text, never from a mapping
        assert model.model_config.get("extra") == "forbid"


def test_settings_cannot_be_changed() -> None:
    settings = read({"cluster": CLUSTER})
    with pytest.raises(ValidationError, match="frozen"):
        settings.cluster = settings.cluster  # type: ignore[misc]  # which mypy refuses as well
    with pytest.raises(ValidationError, match="frozen"):
        settings.prometheus.retention.time = Duration(1)  # type: ignore[misc]


def test_the_defaults_are_valid_when_they_are_written_out() -> None:
    settings = read({"cluster": CLUSTER})
    assert read(written(settings)) == settings


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_stack_files_of_the_repository_load_and_survive_being_written_out(name: str) -> None:
    settings = read(config(name))
    assert settings.cluster.environment == name
    assert read(written(settings) | {"notifications": config(name).get("notifications", {})}) == settings


def test_the_example_of_the_design_loads() -> None:
    # DESIGN.md's stack file, as far as its sections exist today.
    settings = read(
        yaml.safe_load("""
        cluster: {name: dev-1, environment: dev, context: kind-dev, flavour: kind}
        prometheus:
          replicas: 1
          scrapeInterval: 15s
          retention: {time: 7d, size: 15GiB}
          storage: 20Gi
        systems: {kubernetes: {}, nodes: {}}
        slos: []
        """)
    )
    assert settings.prometheus.retention.size == Bytes.parse("15Gi")
    assert settings.watched.exporters


def test_the_schema_has_defaults_as_people_write_them(schema: dict[str, Any]) -> None:
    fields = schema["$defs"]["PrometheusSettings"]["properties"]
    assert fields["storage"]["default"] == "50Gi"
    assert fields["scrapeInterval"]["default"] == "30s"
    assert schema["$defs"]["Retention"]["properties"]["time"]["default"] == "15d"
    assert fields["resources"]["default"]["requests"] == {"cpu": "500m", "memory": "2Gi"}
    assert schema["$defs"]["Network"]["properties"]["nodes"]["default"] == ["0.0.0.0/0", "::/0"]
    text = re.sub("|".join(f"{system.key}:" for system in SYSTEMS), "", yaml.safe_dump(list(defaults_in(schema))))
    assert not any(word in text for word in ("milliseconds", "millicores", "count:", "_"))


def test_the_schema_describes_every_field(schema: dict[str, Any]) -> None:
    for name, model in {"Settings": schema, **schema["$defs"]}.items():
        for key, field in model.get("properties", {}).items():
            assert field.get("description"), f"{name}.{key}: an editor has nothing to show"


def test_the_schema_accepts_its_own_defaults_and_every_recorded_stack(schema: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(written(read({"cluster": CLUSTER})))
    for name in RECORDED:
        if "content" not in config(name):
            validator.validate(config(name))


@pytest.mark.parametrize(
    ("text", "is_off"),
    [
        ("{TargetDown: off}", True),
        ("{TargetDown: 'off'}", True),
        ("{TargetDown: no}", True),
        ("{TargetDown: {}}", False),
    ],
)
def test_off_turns_an_alert_off_however_yaml_reads_it(text: str, is_off: bool, schema: dict[str, Any]) -> None:
    alerts = yaml.safe_load(text)
    settings = read({"cluster": CLUSTER, "alerts": alerts})
    assert (settings.alerts["TargetDown"] is None) is is_off
    assert ("TargetDown" in {alert.name for alert in settings.watched.alerts}) is not is_off
    jsonschema.Draft202012Validator(schema).validate({"cluster": CLUSTER, "alerts": alerts})


@pytest.mark.parametrize("collector", ["promtail", "otel"])
def test_every_alert_of_a_stack_can_be_turned_off(collector: str) -> None:
    given = {"cluster": CLUSTER, "logs": {"collector": collector}}
    there = {alert.name for alert in read(given).watched.alerts}
    assert there >= {"TargetDown", "GrafanaRequestsFailing", "PrometheusSilent"}, "of whatever is watched"
    assert read(given | {"alerts": dict.fromkeys(there, "off")}).watched.alerts == ()


def test_an_override_changes_what_it_names_and_nothing_else() -> None:
    plain = read({"cluster": CLUSTER})
    changed = read({"cluster": CLUSTER, "alerts": {"TargetDown": {"for": "10m", "severity": "critical"}}})
    before = {alert.name: alert for alert in plain.watched.alerts}
    after = {alert.name: alert for alert in changed.watched.alerts}
    target_down = after.pop("TargetDown")
    assert (str(target_down.for_), target_down.severity) == ("10m", Severity.CRITICAL)
    assert target_down.value == before.pop("TargetDown").value
    assert after == before


def snake_case_keys() -> Iterator[tuple[type[BaseModel], str]]:
    for model in MODELS:
        yield from (
            (model, name)
            for name, field in model.model_fields.items()
            if "_" in name.strip("_") and field.alias not in (None, name)  # a system's key is the same everywhere
        )


@pytest.mark.parametrize(("model", "name"), list(snake_case_keys()), ids=lambda part: getattr(part, "__name__", part))
def test_keys_are_camel_case_only(model: type[BaseModel], name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({name: None})
    assert ("extra_forbidden", (name,)) in {(error["type"], error["loc"]) for error in refused.value.errors()}


def test_a_snake_case_key_is_answered_with_the_right_one() -> None:
    with pytest.raises(Refused) as refused:
        read({"cluster": CLUSTER | {"node_selector": {}}})
    assert refused.value.problems == ["cluster.node_selector: unknown key: did you mean nodeSelector?"]


def test_yaml_numbers_and_texts_of_processor_time_are_the_same() -> None:
    def cpu(text: str) -> Cpu | None:
        limits = {"memory": "1Gi"}
        resources = {"requests": {"cpu": yaml.safe_load(text), "memory": "1Gi"}, "limits": limits}
        return read({"cluster": CLUSTER, "prometheus": {"resources": resources}}).prometheus.resources.requests.cpu

    assert cpu("2") == cpu("'2'") == cpu("2.0") == cpu("2000m") == Cpu(2000)
