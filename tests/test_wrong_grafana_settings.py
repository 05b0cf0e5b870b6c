"""Wrong words about Grafana in a stack file, each with the message that it gives."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings.stack import Refused, read
from tests.conftest import TOLD

DEV = {"cluster": {"name": "dev-1", "environment": "dev", "context": "kind-dev", "flavour": "kind"}}
PROD = {
    "cluster": {"name": "prod-1", "environment": "prod", "context": "prod", "flavour": "eks"},
    "notifications": TOLD,
}

HTTPS = "https://grafana.example.com"
HOST = "grafana.example.com"
SECRET = {"name": "grafana", "key": "value"}
OIDC = {
    "clientId": "grafana",
    "clientSecretSecret": SECRET,
    "authUrl": "https://id.example.com/authorize",
    "tokenUrl": "https://id.example.com/token",
    "apiUrl": "https://id.example.com/userinfo",
}
ONE_LINE = 'one line of text, without """ and without the beginnings of a variable: ${, $__ and %('
ALONE = "not allowed with external: the stack deploys no Grafana then"


def problems(stack: dict[str, Any], grafana: dict[str, Any]) -> list[str]:
    try:
        read({**stack, "grafana": grafana})
    except Refused as refused:
        return refused.problems
    return []


TOP_LEVEL = "(hidden): the name of a top-level secret of this stack: Pulumi uses it, and cannot read Kubernetes Secrets"
NEVER_PLAIN = (
    "(hidden): a secret is never given in plain: use adminPasswordSecret, the name of a top-level secret of this "
    "stack, or {name, key} of an existing Kubernetes Secret"
)
NO_NODE_PORT = "ingress with TLS instead: in production a port of every node would open a login in plain HTTP"
ENCRYPTED = "https: in production the token must not travel in plain"

ANYWHERE: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"replicas": 2},
        [
            "grafana.replicas: 2: 1 with SQLite, since two servers cannot share its file; more need database.postgres",
        ],
    ),
    (
        {"replicas": 6, "database": {"postgres": {"host": "db", "passwordSecret": SECRET}}},
        ["grafana.replicas: 6: at most 5"],
    ),
    (
        {"url": "https://other.example.com", "ingress": {"host": HOST, "tls": {}}},
        ['grafana.url: "https://other.example.com": a URL of grafana.example.com, the host of the ingress'],
    ),
    (
        {"url": "http://grafana.example.com", "ingress": {"host": HOST, "tls": {}}},
        [
            'grafana.url: "http://grafana.example.com": a URL that begins with https://, which the ingress has TLS for',
        ],
    ),
    (
        {"url": HTTPS, "ingress": {"host": HOST}},
        [f'grafana.url: "{HTTPS}": a URL that begins with http://, since the ingress has no TLS'],
    ),
    (
        {"url": f"{HTTPS}/?orgId=1"},
        [f'grafana.url: "{HTTPS}/?orgId=1": a URL without ? and #: pages are appended to it'],
    ),
    (
        {"external": {"url": HTTPS, "tokenSecret": "token"}, "replicas": 2, "logLevel": "warn"},
        [f"grafana.logLevel: {ALONE}", f"grafana.replicas: {ALONE}"],
    ),
    ({"external": {"url": HTTPS}}, ["grafana.external.tokenSecret: is required"]),
    (
        {"external": {"url": HTTPS, "tokenSecret": SECRET}},
        [f"grafana.external.tokenSecret: {TOP_LEVEL}"],
    ),
    (
        {"tokenSecret": SECRET},
        [f"grafana.tokenSecret: {TOP_LEVEL}"],
    ),
    (
        {"adminPassword": "hunter2"},
        [f"grafana.adminPassword: {NEVER_PLAIN}"],
    ),
    ({"service": {"nodePort": 3000}}, ["grafana.service.nodePort: 3000: at least 30000"]),
    (
        {"database": {"postgres": {"host": "postgres://db", "passwordSecret": SECRET}}},
        ['grafana.database.postgres.host: "postgres://db": a DNS name like grafana.example.com'],
    ),
    (
        {"database": {"postgres": {"host": "db", "passwordSecret": SECRET, "sslMode": "prefer"}}},
        ['grafana.database.postgres.sslMode: "prefer": one of disable, require or verify-full'],
    ),
    ({"oidc": {**OIDC, "clientId": "${HOME}"}}, [f'grafana.oidc.clientId: "${{HOME}}": {ONE_LINE}']),
    (
        {"oidc": {**OIDC, "name": "$__file{/etc/shadow}"}},
        [f'grafana.oidc.name: "$__file{{/etc/shadow}}": {ONE_LINE}'],
    ),
    (
        {"oidc": {**OIDC, "roleAttributePath": "a\nadmin_password = b"}},
        [f'grafana.oidc.roleAttributePath: "a\\nadmin_password = b": {ONE_LINE}'],
    ),
    (
        {"oidc": {**OIDC, "scopes": ["openid email"]}},
        ['grafana.oidc.scopes[0]: "openid email": one scope, without spaces'],
    ),
    (
        {"smtp": {"host": "mail.example.com:587", "fromAddress": "grafana"}},
        ['grafana.smtp.fromAddress: "grafana": a mail address'],
    ),
]

IN_PRODUCTION: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"url": f"http://{HOST}", "ingress": {"host": HOST}},
        ["grafana.ingress.tls: null: TLS: in production no password and no session travels in plain"],
    ),
    (
        {"service": {"nodePort": 30300}},
        [f"grafana.service.nodePort: 30300: {NO_NODE_PORT}"],
    ),
    (
        {"database": {"sqlite": {"storage": None}}},
        ["grafana.database.sqlite.storage: null: a size: in production nothing may be lost when a pod moves"],
    ),
    (
        {"external": {"url": "http://grafana.elsewhere.example.com", "tokenSecret": "token"}},
        [f'grafana.external.url: "http://grafana.elsewhere.example.com": {ENCRYPTED}'],
    ),
]


@pytest.mark.parametrize(("grafana", "expected"), ANYWHERE)
def test_what_is_wrong_anywhere_is_said(grafana: dict[str, Any], expected: list[str]) -> None:
    assert problems(DEV, grafana) == expected


@pytest.mark.parametrize(("grafana", "expected"), IN_PRODUCTION)
def test_production_refuses_what_a_laptop_may_have(grafana: dict[str, Any], expected: list[str]) -> None:
    assert problems(DEV, grafana) == []
    assert problems(PROD, grafana) == expected


# Pieces that only together are wrong; what the values were is not part of the promise.
@pytest.mark.parametrize(
    ("grafana", "path", "reason"),
    [
        ({"database": {}}, "grafana.database", "sqlite or postgres: exactly one of them"),
        (
            {"database": {"sqlite": {}, "postgres": {"host": "db", "passwordSecret": SECRET}}},
            "grafana.database",
            "sqlite or postgres: exactly one of them",
        ),
        (
            {"smtp": {"host": "mail.example.com:587", "fromAddress": "a@example.com", "user": "grafana"}},
            "grafana.smtp",
            "user and passwordSecret belong together: give both or none",
        ),
    ],
)
def test_what_belongs_together_comes_together(grafana: dict[str, Any], path: str, reason: str) -> None:
    (problem,) = problems(DEV, grafana)
    assert problem.startswith(f"{path}: ")
    assert problem.endswith(f": {reason}")


def test_nothing_at_all_is_a_private_grafana() -> None:
    assert problems(PROD, {}) == [], "without exposure there is nothing to guard: people come by port-forward"
