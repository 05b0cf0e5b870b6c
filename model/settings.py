"""What every settings model shares, and how a wrong stack file is explained."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Self, TypeVar

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from model.owners import TEAM
from model.quantities import Bytes, Cpu, Duration, names_a_secret

_T = TypeVar("_T")
Many = Annotated[tuple[_T, ...], Strict(False)]
"""A YAML list. In strict mode pydantic would require a tuple, which YAML does not have."""


@dataclass(frozen=True)
class Spelled:
    """Text that must match a regular expression. The error shows a sentence instead of the expression."""

    pattern: str
    expected: str

    def check(self, raw: object) -> str:
        if isinstance(raw, str) and re.fullmatch(self.pattern, raw):
            return raw
        raise PydanticCustomError("spelling", "{expected}", {"expected": self.expected})

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": f"^{self.pattern}$", "description": self.expected}


# Kubernetes has a rule per kind of name (k8s.io/apimachinery/pkg/util/validation). Namespaces are DNS labels. Secrets,
# StorageClasses, PriorityClasses and IngressClasses are DNS names, whose parts have any length.
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"


def _dotted(letters: str) -> str:
    return rf"[{letters}]([-{letters}]*[{letters}])?(\.[{letters}]([-{letters}]*[{letters}])?)*"


def _qualified(letters: str) -> str:
    return rf"((?=[^/]{{1,253}}/){_dotted(letters)}/)?{_NAME}"


_DNS_NAME = rf"(?=.{{1,253}}$){_dotted('a-z0-9')}"
DnsLabel = Annotated[
    str, Spelled(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "a name of at most 63 lower-case letters, digits and dashes")
]
DnsName = Annotated[
    str, Spelled(_DNS_NAME, "a name of at most 253 lower-case letters, digits, dashes and dots, like fast.example.com")
]
StorageClass = Annotated[str, Spelled(f"({_DNS_NAME})?", 'the name of a StorageClass, or "" for volumes without one')]
_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
HostName = Annotated[str, Spelled(rf"{_LABEL}(\.{_LABEL})*", "a host name like alerts.example.com")]
LabelName = Annotated[str, Spelled(r"[a-zA-Z_][a-zA-Z0-9_]*", "a label name of letters, digits and underscores")]
MetricName = Annotated[str, Spelled("[a-zA-Z_:][a-zA-Z0-9_:]*", "the name of one metric, without labels")]
LabelValue = Annotated[str, Spelled(rf"({_NAME})?", "a Kubernetes label value of at most 63 characters")]
Team = Annotated[str, Spelled(TEAM, "a team of at most 63 letters, digits, dashes, underscores and dots")]
AppName = Annotated[str, Spelled(f"{_NAME}|{_DNS_NAME}", "an app: a Kubernetes label value, or the name of a workload")]
QualifiedName = Annotated[str, Spelled(_qualified("a-z0-9"), "a Kubernetes name like example.com/team")]
# The API server checks an annotation's prefix in lower case, so it accepts capitals.
AnnotationName = Annotated[str, Spelled(_qualified("A-Za-z0-9"), "a Kubernetes name like example.com/team")]
LARGEST_ANNOTATIONS = 256 * 1024
"""Maximum size of an object's annotations, in bytes with their names. The API server refuses more."""


def _fit(annotations: dict[str, str]) -> dict[str, str]:
    if sum(len(f"{name}{value}".encode()) for name, value in annotations.items()) > LARGEST_ANNOTATIONS:
        raise PydanticCustomError("annotations", f"annotations of at most {LARGEST_ANNOTATIONS} bytes together")
    return annotations


Annotations = Annotated[dict[AnnotationName, str], AfterValidator(_fit)]
SecretKey = Annotated[
    str,
    # It becomes the name of a file.
    Spelled(r"(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}", "a key of letters, digits, dashes, dots and underscores"),
]
Port = Annotated[int, Ge(1), Le(65535)]


def _longer_than_nothing(duration: Duration) -> Duration:
    if duration <= Duration(0):
        raise ValueError("a duration longer than 0s")
    return duration


PositiveDuration = Annotated[Duration, AfterValidator(_longer_than_nothing)]
LogLevel = Literal["debug", "info", "warn", "error"]


class Model(BaseModel):
    """A frozen part of a stack file: camelCase in YAML, snake_case in Python. Unknown keys are errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        strict=True,
        use_attribute_docstrings=True,
    )


class ConfigSecret(BaseModel):
    """A secret of the stack: the name of its top-level key, set with ``pulumi config set --secret``."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    key: str
    """The top-level key, without the project's prefix."""


class ExistingSecret(Model):
    """A key of a Kubernetes Secret in the component's namespace, from another tool (External Secrets, Vault)."""

    name: DnsName
    """Name of the Kubernetes Secret."""
    key: SecretKey
    """Key within it."""


class SecretRef:
    """A reference to a secret. The secret itself is never part of a structured value."""

    EXPECTED = "the name of a top-level secret of this stack, or {name, key} of an existing Kubernetes Secret"
    # Words with few digits. Tokens and hashes, which somebody gives in plain by mistake, rarely look like that.
    KEY = r"(?=.{1,40}$)[A-Za-z_]+([0-9]{1,2}[A-Za-z_]+)?[0-9]{0,2}"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def read(raw: object, existing: core_schema.ValidatorFunctionWrapHandler) -> ConfigSecret | ExistingSecret:
            if isinstance(raw, str) and re.fullmatch(cls.KEY, raw):
                return ConfigSecret(key=raw)
            if isinstance(raw, dict):
                reference: ExistingSecret = existing(raw)
                return reference
            raise PydanticCustomError("secret", "{expected}", {"expected": cls.EXPECTED})

        return core_schema.no_info_wrap_validator_function(read, handler.generate_schema(ExistingSecret))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        key = {"type": "string", "pattern": f"^{cls.KEY}$", "description": ConfigSecret.__doc__}
        return {"anyOf": [key, handler(schema["schema"])], "description": cls.EXPECTED}


Secret = Annotated[ConfigSecret | ExistingSecret, SecretRef]


class Compute(Model):
    """An amount of processor and memory."""

    cpu: Cpu | None = None
    """Cores or thousandths of one (``250m``). A CPU limit throttles, so it is usually left out."""
    memory: Bytes | None = None
    """Bytes (``512Mi``)."""

    def plain(self) -> dict[str, str]:
        amounts = {"cpu": self.cpu, "memory": self.memory}
        return {name: str(amount) for name, amount in amounts.items() if amount is not None}


class Resources(Model):
    """Requests and limits of a container."""

    requests: Compute
    """What the scheduler reserves."""
    limits: Compute
    """What the container may use at most."""

    @model_validator(mode="after")
    def _requested_and_within_limits(self) -> Self:
        if self.requests.cpu is None or self.requests.memory is None:
            raise misfit("requests", self.requests.plain(), "cpu and memory: without them any node looks large enough")
        if self.limits.memory is None:
            raise misfit("limits", self.limits.plain(), "memory: without it one server takes the whole node down")
        if self.limits.memory < self.requests.memory:
            raise misfit("limits.memory", str(self.limits.memory), f"at least the request, {self.requests.memory}")
        if self.limits.cpu is not None and self.limits.cpu < self.requests.cpu:
            raise misfit("limits.cpu", str(self.limits.cpu), f"at least the request, {self.requests.cpu}")
        return self


def resources(cpu: str, memory: str, limit: str) -> Resources:
    """Default resources: requests, and a memory ``limit``. CPU has no limit, because throttling delays alerts."""
    return Resources(
        requests=Compute(cpu=Cpu.parse(cpu), memory=Bytes.parse(memory)), limits=Compute(memory=Bytes.parse(limit))
    )


SCRATCH = Bytes.parse("10Gi")
"""Maximum that a server without a volume stores on its node. With more, the kubelet would evict pods from a small node
with a disk of 20 GB."""


class Workload(Model):
    """Settings that every workload has."""

    labels: dict[QualifiedName, LabelValue] = {}
    """Extra labels of the pods."""
    annotations: Annotations = {}
    """Extra annotations of the pods."""
    priority_class: DnsName | None = None
    """Name of an existing PriorityClass; none by default."""


Problem = str
"""``path: value: what is allowed``, on one line."""

_WITHIN = {
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
    "invalid_key": "a key that is text: put it in quotes",
}
HIDDEN = "(hidden)"
"""Stands for a value that is, or may be, a secret."""
# A user and a password before a host.
_CREDENTIALS = re.compile(r"://.*@|^[^/@]*:[^/@]*@")


def shown(value: object) -> str:
    """A value of the stack file, cut to fit on one line. A value that may hold a secret is hidden."""
    if isinstance(value, dict | list | tuple) and value:
        return "{...}" if isinstance(value, dict) else "[...]"
    text = json.dumps(value, default=str, ensure_ascii=False)
    if _CREDENTIALS.search(str(value)):
        return HIDDEN
    return text if len(text) <= 60 else text[:57] + "..."


def problem(path: str, value: object, allowed: str) -> Problem:
    return f"{path}: {shown(value)}: {allowed}"


def misfit(path: str, value: object, allowed: str) -> PydanticCustomError:
    """The error that a model's validator raises for one of its fields, so that the problem names the field."""
    return PydanticCustomError("misfit", "{allowed}", {"path": path, "value": value, "allowed": allowed})


def holds_secret(path: str) -> Problem:
    """The problem of a secret inside a structured value, encrypted or not."""
    return f"{path}: {HIDDEN}: holds a secret: give that a top-level key of its own, and name the key here"


def problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every problem that pydantic found, each as one line."""
    schema = _schema(model)
    return [_explain(detail, schema) for detail in error.errors(include_url=False) if not _counts_refused(detail)]


def _counts_refused(detail: ErrorDetails) -> bool:
    """Whether a list is too short only because entries were refused. Each refused entry is a problem of its own."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _path(parts: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts if part != "[key]").lstrip(
        "."
    )


def _explain(detail: ErrorDetails, schema: _Schema) -> Problem:
    path, kind, value, context = _path(detail["loc"]), detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _extra(path, str(detail["loc"][-1]), schema.keys(detail["loc"][:-1]))
    if kind == "missing":
        return f"{path}: is required"
    if kind == "misfit":
        return problem(f"{path}.{context['path']}".lstrip("."), context["value"], context["allowed"])
    allowed = _WITHIN[kind].format(**context).replace("'", "") if kind in _WITHIN else detail["msg"]
    if kind == "secret" or (isinstance(value, str) and schema.takes_secrets(detail["loc"])):
        return f"{path}: {HIDDEN}: {allowed}"
    return problem(path, value, allowed.removeprefix("Value error, "))


def _extra(path: str, key: str, known: list[str]) -> Problem:
    if f"{key}Secret" in known:
        return f"{path}: {HIDDEN}: a secret is never given in plain: use {key}Secret, {SecretRef.EXPECTED}"
    close = difflib.get_close_matches(key, known, n=1)
    if names_a_secret(key) and not close:
        return f"{path}: {HIDDEN}: unknown, and a secret is never given in plain: one of {', '.join(known)}"
    return unknown_key(path, known)


def unknown_key(path: str, known: Collection[str], what: str = "key") -> Problem:
    """The problem of an unknown name, with the most similar known name."""
    close = difflib.get_close_matches(path.rpartition(".")[2], known, n=1)
    return f"{path}: unknown {what}: " + (f"did you mean {close[0]}?" if close else f"one of {', '.join(known)}")


@cache
def _schema(model: type[BaseModel]) -> _Schema:
    return _Schema(model.model_json_schema())


@dataclass(frozen=True)
class _Schema:
    """The keys that a stack file may have, from the JSON Schema of the model."""

    root: dict[str, Any]

    def keys(self, loc: tuple[int | str, ...]) -> list[str]:
        """The keys of the mapping that ``loc`` points at."""
        return list(self._at(loc).get("properties", {}))

    def takes_secrets(self, loc: tuple[int | str, ...]) -> bool:
        """Whether ``loc``, or a key below it, takes the name of a secret. Text there may be a secret in plain."""
        return any(key.endswith("Secret") for key in self._keys_below(self._at(loc), set()))

    def _keys_below(self, node: dict[str, Any], seen: set[int]) -> Iterator[str]:
        node = self._resolve(node)
        if id(node) in seen:  # a type inside itself, such as routes in a route, has no further keys
            return
        seen.add(id(node))
        properties = node.get("properties", {})
        yield from properties
        for child in (*properties.values(), node.get("items"), _values(node)):
            if isinstance(child, dict):
                yield from self._keys_below(child, seen)

    def _at(self, loc: tuple[int | str, ...]) -> dict[str, Any]:
        node: dict[str, Any] = self.root
        for part in loc:
            node = self._resolve(node)
            if isinstance(part, int):
                node = node.get("items", {})
            else:
                node = node.get("properties", {}).get(part) or _values(node) or {}
        return self._resolve(node)

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while True:
            options = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
            if "$ref" in node:
                node = self.root["$defs"][node["$ref"].rpartition("/")[2]]
            elif options:
                node = next((option for option in options if option.keys() & {"$ref", "properties"}), options[0])
            else:
                return node


def _values(node: dict[str, Any]) -> Any:
    """What a mapping has under any key; pydantic says it by the keys' pattern, if they have one."""
    return next(iter(node.get("patternProperties", {}).values()), node.get("additionalProperties"))
