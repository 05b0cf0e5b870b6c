"""Fields that several kinds of objects have: logins, TLS, proxies and relabelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.adopt.shapes import SECRET

OPTIONAL = {**SECRET, "optional": True}
STEP: dict[str, Any] = {
    "sourceLabels": ["a"],
    "separator": "/",
    "regex": "(.+)",
    "targetLabel": "b",
    "replacement": "$1",
    "action": "Replace",
}
OAUTH2 = {
    "clientId": {"secret": SECRET},
    "clientSecret": SECRET,
    "tokenUrl": "https://id.example.com",
    "scopes": ["a"],
    "endpointParams": {"a": "b"},
    "tlsConfig": {"insecureSkipVerify": True},
    "proxyUrl": "http://proxy:3128",
}
PROXY: dict[str, Any] = {
    "proxyUrl": "http://proxy:3128",
    "noProxy": "example.com",
    "proxyFromEnvironment": True,
    "proxyConnectHeader": {"a": [SECRET]},
}


def below(prefix: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in fields.items()}


LOGIN: dict[str, Any] = {
    "authorization.credentials": SECRET,
    "authorization.type": "Digest",
    "basicAuth.username": SECRET,
    "basicAuth.password": SECRET,
    "basicAuth.password.optional": True,
    "oauth2": OAUTH2,
}
TLS: dict[str, Any] = below(
    "tlsConfig",
    {
        "ca.secret": SECRET,
        "ca.configMap": SECRET,
        "cert.secret": SECRET,
        "cert.configMap": SECRET,
        "keySecret": OPTIONAL,
        "serverName": "api.example.com",
        "insecureSkipVerify": True,
        "minVersion": "TLS13",
        "maxVersion": "TLS13",
    },
)
