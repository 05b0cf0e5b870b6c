"""The values of a stack file that are more than strings: durations, amounts of bytes and CPU, addresses, images.

Each type reads the spellings that people use, keeps one exact value, and prints itself in the spelling of whoever reads
it next (Kubernetes and Prometheus spell bytes differently). ``EXPECTED`` is the sentence shown when a value is refused.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

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


class Unacceptable(ValueError):
    """A refusal that says more than the type's ``EXPECTED`` sentence."""


class Quantity:
    """What the types below share: how pydantic reads and describes them."""

    EXPECTED: ClassVar[str]
    PATTERN: ClassVar[str]
    JSON_TYPES: ClassVar[tuple[str, ...]] = ("string",)

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Read a spelling of the value; raises ValueError when it is not one."""
        raise NotImplementedError(cls.__name__)

    @classmethod
    def _validate(cls, raw: object) -> Self:
        if isinstance(raw, cls):
            return raw
        try:
            return cls.parse(raw)
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
    """A length of time, in milliseconds; prints as Prometheus, Alertmanager and Loki read it (``1h30m``)."""

    milliseconds: int

    EXPECTED = "a duration like 15s, 6h or 7d"
    PATTERN = r"^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        if not isinstance(raw, str) or not raw or not re.match(cls.PATTERN, raw):
            raise ValueError
        return cls(sum(int(n) * _MILLISECONDS[unit] for n, unit in re.findall(r"([0-9]+)(ms|[ywdhms])", raw)))

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000

    def __str__(self) -> str:
        # Days are the largest unit printed: weeks and years read back the same, and "30d" is what people wrote.
        rest, parts = self.milliseconds, ""
        for unit in ("d", "h", "m", "s", "ms"):
            count, rest = divmod(rest, _MILLISECONDS[unit])
            parts += f"{count}{unit}" if count else ""
        return parts or "0s"


@dataclass(frozen=True, order=True)
class Bytes(Quantity):
    """An amount of memory or disk, in bytes; ``Gi`` and ``GiB`` are binary, ``G`` and ``GB`` decimal."""

    count: int

    EXPECTED = "an amount of bytes like 512Mi, 20Gi or 20GiB"
    PATTERN = r"^[0-9]+(\.[0-9]+)?([KMGTP]i|[kMGTP])B?$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        if not isinstance(raw, str) or not re.match(cls.PATTERN, raw):
            raise ValueError
        number, unit = re.findall(r"^([0-9.]+)([A-Za-z]+?)B?$", raw)[0]
        whole, _, fraction = number.partition(".")
        # Integers throughout: 0.1Ti is exact, and no float ever decides the size of a volume.
        count = int(whole + fraction) * (_BINARY | _DECIMAL)[unit] // 10 ** len(fraction)
        if count == 0:
            raise ValueError
        return cls(count)

    def _largest(self, suffix: str) -> str | None:
        for unit, factor in reversed(_BINARY.items()):
            if self.count % factor == 0:
                return f"{self.count // factor}{unit}{suffix}"
        return None

    def __str__(self) -> str:
        """As Kubernetes reads it."""
        return self._largest("") or str(self.count)

    @property
    def prometheus(self) -> str:
        """As Prometheus reads it, whose units are all binary."""
        return self._largest("B") or f"{self.count}B"


@dataclass(frozen=True, order=True)
class Cpu(Quantity):
    """A share of processor time, in thousandths of a core."""

    millicores: int

    EXPECTED = "an amount of CPU like 250m, 0.5 or 2"
    PATTERN = r"^([0-9]+m|[0-9]+(\.[0-9]{1,3})?)$"
    JSON_TYPES = ("string", "number")

    @classmethod
    def parse(cls, raw: object) -> Self:
        text = str(raw)
        if isinstance(raw, bool) or not isinstance(raw, str | int | float) or not re.match(cls.PATTERN, text):
            raise ValueError
        whole, _, fraction = text.removesuffix("m").partition(".")
        millicores = int(whole) if text.endswith("m") else int(whole) * 1000 + int(fraction.ljust(3, "0"))
        if millicores == 0:
            raise ValueError
        return cls(millicores)

    def __str__(self) -> str:
        return f"{self.millicores}m" if self.millicores % 1000 else str(self.millicores // 1000)


_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"^{_LABEL}(\.{_LABEL})*$")


def is_host(text: str) -> bool:
    """Whether ``text`` is a DNS name or an IP address, as a URL or a target may name it."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return len(text) <= 253 and bool(_HOST.match(text))
    return True


@dataclass(frozen=True)
class HostPort(Quantity):
    """A network address, ``host:port``."""

    host: str
    port: int

    EXPECTED = "a host and port like api.agents.svc:8080"
    PATTERN = r"^.+:[0-9]{1,5}$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        host, _, port = str(raw).rpartition(":")
        if not isinstance(raw, str) or not is_host(host) or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Url(Quantity):
    """An http or https URL without credentials: those are secrets, and have fields of their own."""

    text: str

    EXPECTED = "a URL like https://metrics.example.com/api/v1/write"
    PATTERN = r"^https?://[^\s@]+$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        parts = urlsplit(raw) if isinstance(raw, str) else urlsplit("")
        if "@" in parts.netloc:
            raise Unacceptable("a URL without user and password: those are secrets and have fields of their own")
        if parts.scheme not in ("http", "https") or not is_host(parts.hostname or "") or re.search(r"\s", str(raw)):
            raise ValueError
        if parts.port == 0:  # reading the port raises ValueError when it is none
            raise ValueError
        return cls(str(raw))

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
        if not isinstance(raw, str) or not re.match(cls.PATTERN, raw):
            raise ValueError
        return cls(str(ipaddress.ip_network(raw)))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Image(Quantity):
    """A container image, pinned: ``repository:tag``, optionally with a digest; never ``latest``."""

    repository: str
    tag: str
    digest: str = ""

    EXPECTED = "an image with a fixed tag like quay.io/prometheus/prometheus:v3.1.0"
    PATTERN = r"^[a-z0-9.:/_-]+:[A-Za-z0-9_][A-Za-z0-9_.-]*(@sha256:[0-9a-f]{64})?$"

    @classmethod
    def parse(cls, raw: object) -> Self:
        if not isinstance(raw, str) or not re.match(cls.PATTERN, raw):
            raise ValueError
        name, _, digest = raw.partition("@")
        repository, _, tag = name.rpartition(":")
        if "/" in tag or tag == "latest" or not repository:
            raise ValueError
        return cls(repository, tag, digest)

    def on(self, registry: str | None) -> Image:
        """The same image on a mirror: the registry's host gives way, the rest of the name stays."""
        if registry is None:
            return self
        host, _, path = self.repository.partition("/")
        is_host_part = "." in host or ":" in host
        return Image(f"{registry}/{path if is_host_part else self.repository}", self.tag, self.digest)

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")
