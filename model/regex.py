"""Regular expressions of a stack file, as the servers read them."""

from __future__ import annotations

import re
from typing import Annotated, Any

import re2  # type: ignore[import-untyped]  # publishes no types
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

_QUIET = re2.Options()
_QUIET.log_errors = False  # it would print to standard error, beside our own message


class _Re2:
    """A regular expression as Go reads it: no look-around, no back-references."""

    EXPECTED = "a regular expression without look-around and back-references, as Go reads it"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "description": cls.EXPECTED}

    @classmethod
    def _read(cls, raw: object) -> str:
        try:
            # RE2 accepts what Go refuses: a too large count, which it treats as text, and 1000 nested groups.
            plain = raw if isinstance(raw, str) and raw.count("(") < 1000 else ""
            plain = "" if re.search(r"\{(\d+,)?\d{9,}", plain) else plain
            re2.compile(plain or "(", _QUIET)
        except re2.error:
            raise PydanticCustomError("regex", "{expected}", {"expected": cls.EXPECTED}) from None
        return str(raw)


Regex = Annotated[str, _Re2]


def matches(regex: str, text: str) -> bool:
    """Whether ``regex`` matches the whole of ``text``, as relabelling does."""
    return re2.fullmatch(regex, text, _QUIET) is not None
