"""The servers' own configurations, as values files have them, in the spelling of the operator's objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_AS_IT_IS = ("labels", "params", "match", "match_re", "headers", "details", "external_labels")
"""Keys above names that are people's own."""
_WHOLE = {
    "relabel_configs": "relabelings",
    "metric_relabel_configs": "metricRelabelings",
    "msteams_configs": "msteamsConfigs",
}
_UPPER = ("url", "sd", "tls", "arn", "id")


def camel(value: Any) -> Any:
    """``slack_configs`` as ``slackConfigs``, ``api_url`` as ``apiURL``, and so on below."""
    if isinstance(value, Mapping):
        return {_key(str(key)): part if key in _AS_IT_IS else camel(part) for key, part in value.items()}
    return [camel(part) for part in value] if isinstance(value, list) else value


def _key(name: str) -> str:
    first, *others = name.split("_")
    return _WHOLE.get(name) or first + "".join(
        part.upper() if part in _UPPER else part[:1].upper() + part[1:] for part in others
    )
