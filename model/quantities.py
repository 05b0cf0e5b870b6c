"""Typed values of a stack file: durations, amounts of bytes and CPU, addresses, images.

Each type accepts the common spellings, keeps one exact value, and prints it in the spelling of the program that reads
it (Kubernetes and Prometheus spell bytes differently). ``EXPECTED`` is the sentence shown when a value is refused.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, SchemaSerializer, core_schema

_MILLISECONDS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}
_DECIMAL = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


SECRET_WORDS = ("password", "token", "secret", "credential", "apikey", "bearer", "privatekey")
"""Words in the names of secrets. A value under such a name is never shown."""


def names_a_secret(name: str) -> bool:
    plain = name.lower().replace("_", "").replace("-", "")
    return any(word in plain for word in SECRET_WORDS)


class Unacceptable(ValueError):
    """A refusal with a message of its own instead of the type's ``EXPECTED`` sentence."""


class HoldsSecret(Unacceptable):
    """A refusal of a value that must not be shown."""


class Quantity:
    """Base of the types below: how pydantic parses and describes them."""

    EXPECTED: ClassVar[str]
    PATTERN: ClassVar[str]
    JSON_TYPES: ClassVar[tuple[str, ...]] = ("string",)

    # The JSON Schema shows a default as a stack file spells it, not as a dataclass.
    __pydantic_serializer__: ClassVar[SchemaSerializer] = SchemaSerializer(
        core_schema.any_schema(serialization=core_schema.plain_serializer_function_ser_schema(str))
    )

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Parse a spelling of the value; raises ValueError if it is not valid."""
        raise NotImplementedError(cls.__name__)

    @classmethod
    def _spelled(cls, raw: object) -> str:
        """``raw`` as text; raises ValueError if it has the wrong type or form."""
        if not isinstance(raw, str) or not re.fullmatch(cls.PATTERN, raw):
            raise ValueError
        return raw

    @classmethod
    def _validate(cls, raw: object) -> Self:
        if isinstance(raw, cls):
            return raw
        try:
            return cls.parse(raw)
        except HoldsSecret as problem:
            raise PydanticCustomError("secret", "{expected}", {"expected": str(problem)}) from None
        except Unacceptable as problem:
            expected = str(problem)
        except ValueError:
            expected = cls.EXPECTED
        raise PydanticCustomError("quantity", "{expected}", {"expected": expected})

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        types = list(cls.JSON_TYPES) if len(cls.JSON_TYPES) > 1 else cls.JSON_TYPES[0]
        return {"type": types, "pattern": cls.PATTERN, "description": cls.EXPECTED}


@dataclass(frozen=True, order=True)
class Duration(Quantity):
    """A duration in milliseconds. It prints in the format of Prometheus, Alertmanager and Loki (``1h30m``)."""

    milliseconds: int

    EXPECTED = "a duration like 15s, 6h or 7d"
    PATTERN = r"^(?=[0-9])([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        parts = re.findall(r"([0-9]+)(ms|[ywdhms])", cls._spelled(raw))
        milliseconds = sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)
        if milliseconds > 100 * _MILLISECONDS["y"]:  # the servers count nanoseconds in 64 bits: 292 years
            raise Unacceptable("a duration of at most 100y")
        return cls(milliseconds)

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000

    def __str__(self) -> str:
        # Days are the largest unit printed: weeks and years parse to the same value, and "30d" is the common spelling.
        rest, parts = self.milliseconds, ""
        for unit in ("d", "h", "m", "s", "ms"):
            count, rest = divmod(rest, _MILLISECONDS[unit])
            parts += f"{count}{unit}" if count else ""
        return parts or "0s"


@dataclass(frozen=True, order=True)
class Bytes(Quantity):
    """An amount of memory or disk, in bytes. ``Gi`` and ``GiB`` are binary, ``G`` and ``GB`` decimal."""

    count: int

    EXPECTED = "an amount of bytes like 512Mi, 20Gi or 20GiB"
    PATTERN = r"^[0-9]+(\.[0-9]+)?([KMGTP]i|[kMGTP])B?$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        number, unit = re.findall(r"^([0-9.]+)([A-Za-z]+?)B?$", cls._spelled(raw))[0]
        whole, _, fraction = number.partition(".")
        smallest = _BINARY["Ki"] if unit in _BINARY else _DECIMAL["k"]
        # Integers throughout, so that no float decides the size of a volume. Whole kilobytes, so that every amount has
        # a spelling with a unit.
        kilobytes = int(whole + fraction) * (_BINARY | _DECIMAL)[unit] // (10 ** len(fraction) * smallest)
        if kilobytes == 0:
            raise ValueError
        if kilobytes * smallest > LARGEST_BYTES:
            raise Unacceptable("an amount of bytes of at most 1024Pi")
        return cls(kilobytes * smallest)

    def __str__(self) -> str:
        """Kubernetes' spelling: the shorter of the binary and the decimal one."""
        spelled = [_largest(self.count, units) for units in (_BINARY, _DECIMAL)]
        return min(filter(None, spelled), key=len, default=str(self.count))

    @property
    def prometheus(self) -> str:
        """Prometheus' spelling, whose units are all binary."""
        return (_largest(self.count, _BINARY) or str(self.count)) + "B"


LARGEST_BYTES = 2**60
"""Upper bound. The servers count in 64 bits, and no volume is as large."""


def _largest(count: int, units: dict[str, int]) -> str:
    """``count`` in the largest of ``units`` that divides it; empty if none does."""
    fitting = [f"{count // factor}{unit}" for unit, factor in units.items() if count % factor == 0]
    return fitting[-1] if fitting else ""


@dataclass(frozen=True, order=True)
class Cpu(Quantity):
    """CPU time, in thousandths of a core."""

    millicores: int

    EXPECTED = "an amount of CPU like 250m, 0.5 or 2"
    PATTERN = r"^([0-9]+m|[0-9]+(\.[0-9]{1,3})?)$"
    JSON_TYPES = ("string", "number")

    @classmethod
    def parse(cls, raw: object) -> Self:
        # A YAML number is read from its text, so that 0.1 is exactly a hundred thousandths.
        text = cls._spelled(str(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else raw)
        whole, _, fraction = text.removesuffix("m").partition(".")
        millicores = int(whole) if text.endswith("m") else int(whole) * 1000 + int(fraction.ljust(3, "0"))
        if millicores == 0:
            raise ValueError
        return cls(millicores)

    def __str__(self) -> str:
        return f"{self.millicores}m" if self.millicores % 1000 else str(self.millicores // 1000)


_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
# The last label of a name is never a number: what looks like an address must be one.
_HOST = re.compile(rf"({_LABEL}\.)*(?![0-9]+\.?$){_LABEL}\.?")


def is_host(text: str) -> bool:
    """Whether ``text`` is a DNS name or an IP address (IPv6 without brackets and without a zone)."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= 253 and _HOST.fullmatch(text) is not None
    return "%" not in text


@dataclass(frozen=True)
class HostPort(Quantity):
    """A network address. It prints as ``host:port``, with an IPv6 address in brackets."""

    host: str
    """A DNS name or an address, without brackets."""
    port: int

    EXPECTED = "a host and port like api.agents.svc:8080"
    PATTERN = r"^[^\s@]+:[0-9]{1,5}$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        host, _, port = cls._spelled(raw).rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if (bare != host) != (":" in bare) or not is_host(bare) or not 0 < int(port) < 65536:
            raise ValueError
        return cls(bare, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Url(Quantity):
    """An http or https URL without credentials, which are secrets and have their own settings."""

    text: str

    EXPECTED = "a URL like https://metrics.example.com/api/v1/write"
    PATTERN = r"^https?://[^\s/?#@]+([/?#]\S*)?$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        parts = urlsplit(raw if isinstance(raw, str) else "")
        if "@" in parts.netloc:
            raise HoldsSecret("a URL without user and password: those are secrets and have fields of their own")
        if any(names_a_secret(name) for name, _ in parse_qsl(parts.query)):
            raise HoldsSecret("a URL without secrets in its query: it is written into a configuration in plain")
        # Reading the port raises ValueError if it is invalid.
        if not is_host(parts.hostname or "") or parts.port == 0 or parts.netloc.endswith(":"):
            raise ValueError
        return cls(cls._spelled(raw))

    @property
    def host(self) -> str:
        return urlsplit(self.text).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.text).port or (443 if self.scheme == "https" else 80)

    @property
    def scheme(self) -> str:
        return urlsplit(self.text).scheme

    @property
    def path(self) -> str:
        return urlsplit(self.text).path

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Cidr(Quantity):
    """A range of addresses."""

    text: str

    EXPECTED = "a range of addresses like 10.0.0.0/8"
    PATTERN = r"^[0-9a-fA-F:.]+/[0-9]+$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        network = ipaddress.ip_network(text := cls._spelled(raw), strict=False)
        if ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
            raise Unacceptable(f"{cls.EXPECTED}; this address lies in {network}")
        return cls(str(network))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Image(Quantity):
    """A pinned container image: ``repository:tag``, optionally with a digest; never ``latest``."""

    repository: str
    tag: str
    digest: str = ""

    EXPECTED = "an image with a fixed tag like quay.io/prometheus/prometheus:v3.1.0"
    # Docker's own grammar of a reference: a registry with a port, then path components.
    REPOSITORY = r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?:[0-9]{1,5}/)?[a-z0-9]+((/|[._]|__|-+)[a-z0-9]+)*"
    PATTERN = rf"^{REPOSITORY}:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}(@sha256:[0-9a-f]{{64}})?$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        name, _, digest = cls._spelled(raw).partition("@")
        repository, _, tag = name.rpartition(":")
        if tag == "latest":
            raise ValueError
        return cls(repository, tag, digest)

    def on(self, registry: str | None) -> Image:
        """The same image on a mirror, which replaces the registry's host."""
        if registry is None:
            return self
        host, _, path = self.repository.partition("/")
        is_host_part = path != "" and ("." in host or ":" in host)
        return Image(f"{registry}/{path if is_host_part else self.repository}", self.tag, self.digest)

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")
