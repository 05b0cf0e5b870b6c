"""Secrets: in the engine as secrets, in the cluster as Secrets, in servers as files, and nowhere else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.conftest import Recorded, Stacks
from tests.stack_settings import RECORDED, secrets
from tools import render
from tools.local.rendered import loaded
from tools.recorder import Secret

PLANTED = {
    "writePassword": "planted-password-Zq81",
    "writeToken": "planted-token-Xv27",
    "writeCa": "planted-ca-Bn40",
    "writeCert": "planted-cert-Lk93",
    "writeKey": "planted-key-Tj65",
    "pumpPassword": "planted-password-Uc14",
    "pumpCa": "planted-ca-Qe52",
    "pumpCert": "planted-cert-Jt86",
    "pumpKey": "planted-key-Wz09",
    "shopToken": "planted-token-Mh37",
    "keyedHeader": "planted-key-Ao63",
    "listToken": "planted-token-Rd18",
    "hookUrl": "https://hooks.example.com/planted-url-Rw12",
    "hookToken": "planted-token-Pa31",
    "hookHeader": "planted-header-Vs76",
    "loginUrl": "https://hooks.example.com/planted-url-Nd74",
    "loginPassword": "planted-password-Hy58",
    "chatUrl": "https://hooks.example.com/planted-url-Ce16",
    "appToken": "planted-token-Sq49",
    "routingKey": "planted-key-Vm83",
    "mailPassword": "planted-password-Fo22",
    "mailCa": "planted-ca-Iu95",
    "discordUrl": "https://hooks.example.com/planted-url-Gk67",
    "teamsUrl": "https://hooks.example.com/planted-url-Yb30",
    "genieKey": "planted-key-Ew71",
    "beatUrl": "https://hooks.example.com/planted-url-Dz54",
}


def settings(source: Any) -> dict[str, Any]:
    """Every field that takes a secret, from ``source(key)``."""
    return {
        "prometheus": {
            "remoteWrite": [
                {
                    "name": "long-term",
                    "url": "https://mimir.example.com/api/v1/push",
                    "basicAuth": {"username": "stack", "passwordSecret": source("writePassword")},
                    "tls": {
                        "caSecret": source("writeCa"),
                        "certSecret": source("writeCert"),
                        "keySecret": source("writeKey"),
                    },
                },
                {
                    "name": "second",
                    "url": "https://grafana.example.com/push",
                    "bearerTokenSecret": source("writeToken"),
                },
            ],
            "scrapeJobs": [
                {
                    "name": "pump",
                    "targets": ["pump.example.com:9187"],
                    "scheme": "https",
                    "basicAuth": {"username": "stack", "passwordSecret": source("pumpPassword")},
                    "tls": {
                        "caSecret": source("pumpCa"),
                        "certSecret": source("pumpCert"),
                        "keySecret": source("pumpKey"),
                    },
                },
                {
                    "name": "shop",
                    "service": {"namespaces": ["shop"], "name": "shop", "portName": "metrics"},
                    "bearerTokenSecret": source("shopToken"),
                },
                {
                    # Named as a queue of remote write is, whose files are others.
                    "name": "second",
                    "scheme": "https",
                    "header": {"name": "X-API-Key", "valueSecret": source("keyedHeader")},
                    "http": {
                        "url": "https://inventory.example.com/targets",
                        "ports": [9100],
                        "bearerTokenSecret": source("listToken"),
                    },
                },
            ],
        },
        "notifications": {
            "receivers": [
                {
                    "name": "hook",
                    "webhook": {
                        "urlSecret": source("hookUrl"),
                        "tokenSecret": source("hookToken"),
                        "headers": [{"name": "apiKey", "valueSecret": source("hookHeader")}],
                    },
                },
                {
                    "name": "login",
                    "webhook": {
                        "urlSecret": source("loginUrl"),
                        "basicAuth": {"username": "stack", "passwordSecret": source("loginPassword")},
                    },
                },
                {"name": "chat", "slack": {"urlSecret": source("chatUrl")}},
                {"name": "app", "slack": {"tokenSecret": source("appToken"), "channel": "#alerts"}},
                {"name": "pager", "pagerduty": {"routingKeySecret": source("routingKey")}},
                {
                    "name": "mail",
                    "email": {
                        "to": ["team@example.com"],
                        "from": "stack@example.com",
                        "host": "smtp.example.com:587",
                        "user": "stack",
                        "passwordSecret": source("mailPassword"),
                        "caSecret": source("mailCa"),
                    },
                },
                {"name": "discord", "discord": {"urlSecret": source("discordUrl")}},
                {"name": "teams", "teams": {"urlSecret": source("teamsUrl")}},
                {"name": "genie", "opsgenie": {"apiKeySecret": source("genieKey")}},
                {"name": "beat", "deadMan": {"urlSecret": source("beatUrl")}},
            ],
            "routes": [
                {"receiver": name, "continue": True}
                for name in ("hook", "login", "chat", "app", "pager", "mail", "discord", "teams", "genie")
            ],
        },
    }


FILES = {
    "writePassword": ("prometheus", "long-term-password"),
    "writeToken": ("prometheus", "second-token"),
    "writeCa": ("prometheus", "long-term-ca"),
    "writeCert": ("prometheus", "long-term-cert"),
    "writeKey": ("prometheus", "long-term-key"),
    "pumpPassword": ("prometheus", "scrape.pump-password"),
    "pumpCa": ("prometheus", "scrape.pump-ca"),
    "pumpCert": ("prometheus", "scrape.pump-cert"),
    "pumpKey": ("prometheus", "scrape.pump-key"),
    "shopToken": ("prometheus", "scrape.shop-token"),
    "keyedHeader": ("prometheus", "scrape.second-header"),
    "listToken": ("prometheus", "discovery.second-token"),
    "hookUrl": ("alertmanager", "hook-url"),
    "hookToken": ("alertmanager", "hook-token"),
    "hookHeader": ("alertmanager", "hook-header-apikey"),
    "loginUrl": ("alertmanager", "login-url"),
    "loginPassword": ("alertmanager", "login-password"),
    "chatUrl": ("alertmanager", "chat-url"),
    "appToken": ("alertmanager", "app-token"),
    "routingKey": ("alertmanager", "pager-routing-key"),
    "mailPassword": ("alertmanager", "mail-password"),
    "mailCa": ("alertmanager", "mail-ca"),
    "discordUrl": ("alertmanager", "discord-url"),
    "teamsUrl": ("alertmanager", "teams-url"),
    "genieKey": ("alertmanager", "genie-api-key"),
    "beatUrl": ("alertmanager", "beat-url"),
}
"""By key: the server, and the file below its secrets."""
DRAWN = {"grafana-admin-password": "admin-password", "grafana-secret-key": "secret-key", "secret-checksums": "key"}
"""Secrets that nobody gave, and so are drawn, at every recording anew: by name, the key in it."""


@pytest.fixture(scope="module")
def own(stack: Stacks) -> Recorded:
    """All secrets from Pulumi's configuration."""
    return stack("prod", secrets=PLANTED, **settings(lambda key: key))


@pytest.fixture(scope="module")
def existing(stack: Stacks) -> Recorded:
    """All secrets in a Kubernetes Secret that somebody else keeps."""
    return stack("prod", **settings(lambda key: {"name": "vault", "key": key}))


def encoded(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def leaves(value: Any, hidden: bool = False) -> Iterator[tuple[str, bool]]:
    """Every text in ``value``, and whether the engine takes it for a secret."""
    if isinstance(value, Secret):
        yield from leaves(value.value, hidden=True)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key, hidden
            yield from leaves(part, hidden)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, hidden)
    else:
        yield str(value), hidden


def betrays(text: str, secrets: Mapping[str, str] = PLANTED) -> bool:
    return any(secret in text or encoded(secret) in text for secret in secrets.values())


def test_the_engine_receives_every_secret_as_a_secret_and_only_once(own: Recorded) -> None:
    kept = [
        (made.type, text)
        for made in own.recorder.resources_seen
        for text, hidden in leaves(made.inputs)
        if hidden and betrays(text)
    ]
    assert sorted(kept) == sorted(("kubernetes:core/v1:Secret", encoded(secret)) for secret in PLANTED.values())


def test_no_secret_is_anywhere_in_plain(own: Recorded) -> None:
    for made in own.recorder.resources_seen:
        plain = [text for text, hidden in leaves(made.inputs) if not hidden and betrays(text)]
        assert plain == [], f"{made.type} {made.name} would show it in a preview and keep it in the state"
    assert not betrays(str(own.recorder.outputs)), "exports are printed"


@pytest.mark.parametrize("name", RECORDED)
def test_no_recorded_stack_shows_a_secret(stack: Stacks, name: str) -> None:
    made, planted = stack(name), secrets(name)
    for resource in made.recorder.resources_seen:
        plain = [text for text, hidden in leaves(resource.inputs) if not hidden and betrays(text, planted)]
        assert plain == [], f"{resource.type} {resource.name} would show it in a preview and keep it in the state"
    rendered = (made.objects, made.files, render.grafana_files(made.recorder), made.recorder.outputs)
    assert not any(betrays(str(part), planted) for part in rendered)


def test_nothing_rendered_holds_a_secret(own: Recorded) -> None:
    assert not betrays(json.dumps(list(own.objects.values())))
    assert not betrays(json.dumps(own.files))
    secrets = own.kind("Secret")
    assert {(name, file) for name, made in secrets.items() for file in made["data"]} == {
        *((f"{server}-secrets", file) for server, file in FILES.values()),
        *DRAWN.items(),
    }, "the keys are there: what mounts them can be checked"
    assert {base64.b64decode(value).decode() for made in secrets.values() for value in made["data"].values()} == {
        render.MASK
    }


def test_servers_read_them_from_files_that_exist(own: Recorded, existing: Recorded) -> None:
    for stack in (own, existing):
        named = {
            value
            for path, text in stack.files.items()
            if not path.endswith((".ini", ".tmpl"))
            for value in _file_references(loaded(text))
        }
        assert named >= {f"/etc/{server}/secrets/{file}" for server, file in FILES.values()}
        for server in ("prometheus", "alertmanager"):
            present = {f"/etc/{server}/secrets/{file}" for file in _mounted(stack, server)}
            assert {path for path in named if path.startswith(f"/etc/{server}/")} == present


def _file_references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key.endswith("_file") and isinstance(part, str):
                yield part
            if key == "files":  # of a header with a secret
                yield from part
            yield from _file_references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _file_references(part)


def _mounted(stack: Recorded, server: str) -> set[str]:
    """The files below a server's secrets, by what its volume projects."""
    (mount,) = [mount for mount in stack.container(server)["volumeMounts"] if mount["name"] == "secrets"]
    assert mount == {"name": "secrets", "mountPath": f"/etc/{server}/secrets", "readOnly": True}
    (volume,) = [volume for volume in stack.pod(server)["volumes"] if volume["name"] == "secrets"]
    assert volume["projected"]["defaultMode"] == 0o440
    files: set[str] = set()
    for source in volume["projected"]["sources"]:
        secret = source["secret"]
        files |= (
            {item["path"] for item in secret["items"]}
            if "items" in secret
            else set(stack.kind("Secret")[secret["name"]]["data"])
        )
    return files


def test_an_existing_secret_is_mounted_and_none_is_made(existing: Recorded) -> None:
    assert existing.kind("Secret").keys() == DRAWN.keys(), "External Secrets keeps it"
    projected = {
        (server, source["secret"]["name"], item["key"], item["path"])
        for server in ("prometheus", "alertmanager")
        for volume in existing.pod(server)["volumes"]
        if volume["name"] == "secrets"
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }
    assert projected == {(server, "vault", key, file) for key, (server, file) in FILES.items()}


def test_without_secrets_there_is_no_secret_and_no_mount(dev: Recorded) -> None:
    assert dev.kind("Secret").keys() == DRAWN.keys()
    for name in dev.workloads.keys() - {"grafana"}:
        assert "secrets" not in {volume["name"] for volume in dev.pod(name)["volumes"]}, name


def test_no_secret_is_in_an_argument_or_the_environment(own: Recorded) -> None:
    for name in own.workloads:
        container = own.container(name)
        assert not betrays(json.dumps([container["args"], container["env"]])), f"{name}: `ps` shows it to everyone"


def test_a_new_password_touches_one_secret(stack: Stacks, own: Recorded) -> None:
    other = stack("prod", secrets=PLANTED | {"writePassword": "another"}, **settings(lambda key: key))
    before = {made.name: made.inputs for made in own.recorder.resources_seen}
    after = {made.name: made.inputs for made in other.recorder.resources_seen}
    drawn = {*DRAWN, "namespaces-checksums"}
    changed = [name for name in after if name not in drawn and after[name] != before[name]]
    assert changed == ["prometheus-secrets"], "it is read from the file"
