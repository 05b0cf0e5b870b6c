"""What every settings model shares, and how a wrong stack file is explained."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from components.settings.quantities import Bytes, Cpu

_T = TypeVar("_T")
Many = Annotated[tuple[_T, ...], Strict(False)]
"""A list in YAML; strictness would ask for a tuple, which YAML does not have."""


@dataclass(frozen=True)
class Spelled:
    """Text of one spelling, refused with a sentence instead of a regular expression."""

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


_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
DnsLabel = Annotated[
    str, Spelled(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "a name of at most 63 lower-case letters, digits and dashes")
]
LabelName = Annotated[str, Spelled(r"[a-zA-Z_][a-zA-Z0-9_]*", "a label name of letters, digits and underscores")]
LabelValue = Annotated[str, Spelled(rf"({_NAME})?", "a Kubernetes label value of at most 63 characters")]
QualifiedName = Annotated[
    str, Spelled(rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}", "a Kubernetes name like example.com/team")
]
SecretKey = Annotated[str, Spelled(r"[-._a-zA-Z0-9]{1,253}", "a key of letters, digits, dashes, dots and underscores")]
LogLevel = Literal["debug", "info", "warn", "error"]


class Model(BaseModel):
    """A frozen part of a stack file: camelCase in YAML, snake_case in Python, nothing unknown, nothing coerced."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        strict=True,
        use_attribute_docstrings=True,
    )


class ConfigSecret(BaseModel):
    """A secret of the stack: the name of its own top-level key, set with ``pulumi config set --secret``."""

    model_config = ConfigDict(frozen=True)
    key: str


class ExistingSecret(Model):
    """A key of a Kubernetes Secret that something else keeps in the component's namespace (External Secrets, Vault)."""

    name: DnsLabel
    """Name of the Kubernetes Secret."""
    key: SecretKey
    """Key within it."""


class SecretRef:
    """Where a secret comes from; the secret itself never stands in a structured value."""

    EXPECTED = "the name of a top-level secret of this stack, or {name, key} of an existing Kubernetes Secret"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def read(raw: object, existing: core_schema.ValidatorFunctionWrapHandler) -> ConfigSecret | ExistingSecret:
            if isinstance(raw, str) and raw.isidentifier():
                return ConfigSecret(key=raw)
            if isinstance(raw, dict):
                reference: ExistingSecret = existing(raw)
                return reference
            raise PydanticCustomError("secret", "{expected}", {"expected": cls.EXPECTED})

        return core_schema.no_info_wrap_validator_function(read, handler.generate_schema(ExistingSecret))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        key = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "description": ConfigSecret.__doc__}
        return {"anyOf": [key, handler(schema["schema"])], "description": cls.EXPECTED}


Secret = Annotated[ConfigSecret | ExistingSecret, SecretRef]


class Compute(Model):
    """An amount of processor and memory."""

    cpu: Cpu | None = None
    """Cores or thousandths of one (``250m``); as a limit usually left out, since a CPU limit throttles."""
    memory: Bytes | None = None
    """Bytes (``512Mi``)."""

    def plain(self) -> dict[str, str]:
        amounts = {"cpu": self.cpu, "memory": self.memory}
        return {name: str(amount) for name, amount in amounts.items() if amount is not None}


class Resources(Model):
    """What a container asks for and may not exceed."""

    requests: Compute
    """What the scheduler sets aside."""
    limits: Compute
    """Where the kernel stops it."""


def resources(cpu: str, memory: str, limit: str) -> Resources:
    """A default: the request, and the memory limit; CPU stays unlimited, since throttling delays alerts."""
    return Resources(
        requests=Compute(cpu=Cpu.parse(cpu), memory=Bytes.parse(memory)), limits=Compute(memory=Bytes.parse(limit))
    )


class Workload(Model):
    """What every workload may be given."""

    labels: dict[QualifiedName, LabelValue] = {}
    """Extra labels of its pods."""
    annotations: dict[QualifiedName, str] = {}
    """Extra annotations of its pods."""
    priority_class: DnsLabel | None = None
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
    "literal_error": "one of {expected}",
    "missing": "is required",
}
# Names under which people put a secret straight into a structured value; such a value is never echoed.
_CREDENTIALS = re.compile(r"://[^/]*@")
_SECRET_WORDS = ("password", "token", "secret", "credential", "apikey", "bearer", "privatekey")


def shown(value: object) -> str:
    """A value as it stands in the stack file, short enough for one line."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def problem(path: str, value: object, allowed: str) -> Problem:
    return f"{path}: {shown(value)}: {allowed}"


def problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every problem that pydantic found, each as one line."""
    return [_explain(detail, model) for detail in error.errors(include_url=False)]


def _path(parts: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts if part != "[key]").lstrip(
        "."
    )


def _explain(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    path, kind = _path(detail["loc"]), detail["type"]
    if kind == "extra_forbidden":
        return _extra(path, str(detail["loc"][-1]), _fields_at(model, detail["loc"][:-1]))
    if kind == "missing":
        return f"{path}: is required"
    allowed = _WITHIN[kind].format(**detail.get("ctx", {})) if kind in _WITHIN else detail["msg"]
    if kind == "secret" or _CREDENTIALS.search(str(detail["input"])):
        return f"{path}: (hidden): {allowed}"
    return problem(path, detail["input"], allowed.removeprefix("Value error, "))


def _extra(path: str, key: str, known: list[str]) -> Problem:
    if f"{key}Secret" in known:
        return f"{path}: (hidden): a secret is never given in plain: use {key}Secret, {SecretRef.EXPECTED}"
    if any(word in key.lower().replace("_", "") for word in _SECRET_WORDS):
        return f"{path}: (hidden): unknown, and a secret is never given in plain: one of {', '.join(known)}"
    return unknown_key(path, known)


def unknown_key(path: str, known: list[str], what: str = "key") -> Problem:
    """The problem of a name that does not exist, with the nearest that does."""
    close = difflib.get_close_matches(path.rpartition(".")[2], known, n=1)
    return f"{path}: unknown {what}: " + (f"did you mean {close[0]}?" if close else f"one of {', '.join(known)}")


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the stack file may have where ``loc`` points, read from the generated schema."""
    root = model.model_json_schema()
    node: dict[str, Any] = root
    for part in loc:
        node = _resolve(node, root)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
    return list(_resolve(node, root).get("properties", {}))


def _resolve(node: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while True:
        options = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
        if "$ref" in node:
            node = root["$defs"][node["$ref"].rpartition("/")[2]]
        elif options:
            node = next((option for option in options if "$ref" in option), options[0])
        else:
            return node
