"""A rotated secret: pods roll where a server reads it once, and nowhere else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from components.kubernetes import secrets_checksum
from tests.conftest import NOTHING
from tools import stack_file
from tools.local.stack_text import merged
from tools.recorder import ROOT, Recorder, Secret, record

ONCE = {
    "bucketId": "loki",
    "bucketKey": "loki",
    "mailPassword": "grafana",
    "oidcSecret": "grafana",
    "databasePassword": "grafana",
    "databaseCa": "grafana",
    "grafanaKey": "grafana",
    "searchCa": "jaeger",
}
"""What is read when a server starts, and that server."""
LIVE = ("searchPassword", "hookUrl", "hookPassword", "beatUrl", "writePassword", "writeCa", "grafanaPassword")
"""What is read again and again, or never."""

SETTINGS = {
    "systems": NOTHING,
    "loki": {
        "replicas": 3,
        "storage": {
            "filesystem": None,
            "s3": {"bucket": "logs", "accessKeySecret": "bucketId", "secretKeySecret": "bucketKey"},
        },
    },
    "grafana": {
        "replicas": 2,
        "adminPasswordSecret": "grafanaPassword",
        "secretKeySecret": "grafanaKey",
        "database": {
            "sqlite": None,
            "postgres": {"host": "db.example.com", "passwordSecret": "databasePassword", "caSecret": "databaseCa"},
        },
        "smtp": {
            "host": "mail.example.com:587",
            "fromAddress": "grafana@example.com",
            "user": "grafana",
            "passwordSecret": "mailPassword",
        },
        "oidc": {
            "clientId": "grafana",
            "clientSecretSecret": "oidcSecret",
            "authUrl": "https://id.example.com/auth",
            "tokenUrl": "https://id.example.com/token",
            "apiUrl": "https://id.example.com/userinfo",
        },
    },
    "jaeger": {
        "storage": {
            "badger": None,
            "opensearch": {
                "urls": ["https://search.example.com:9200"],
                "username": "jaeger",
                "passwordSecret": "searchPassword",
                "caSecret": "searchCa",
            },
        }
    },
    "notifications": {
        "receivers": [
            {
                "name": "hook",
                "webhook": {
                    "urlSecret": "hookUrl",
                    "basicAuth": {"username": "stack", "passwordSecret": "hookPassword"},
                },
            },
            {"name": "beat", "deadMan": {"urlSecret": "beatUrl"}},
        ],
        "routes": [{"receiver": "hook"}],
    },
    "prometheus": {
        "remoteWrite": [
            {
                "name": "far",
                "url": "https://mimir.example.com/push",
                "basicAuth": {"username": "stack", "passwordSecret": "writePassword"},
                "tls": {"caSecret": "writeCa"},
            }
        ]
    },
}


CHECKSUM = "checksum/secrets"
SECRETS = {key: f"first-{key}" for key in (*ONCE, *LIVE)}


def recorded(changed: tuple[str, ...] = ()) -> Recorder:
    """The stack once these secrets have other values."""
    config = merged(stack_file.read(ROOT / "Pulumi.dev.yaml").config, SETTINGS)
    return record("dev", config, SECRETS | {key: f"second-{key}" for key in changed})


def templates(recorder: Recorder) -> dict[str, Any]:
    """By workload, what its pods are made from."""
    return {
        made.inputs["metadata"]["name"]: made.inputs["spec"]["template"]
        for made in recorder.resources_seen
        if "template" in made.inputs.get("spec", {})
    }


@pytest.fixture(scope="module")
def before() -> Recorder:
    return recorded()


def rolled(before: Recorder, changed: tuple[str, ...]) -> set[str]:
    """Whose pods roll when these secrets change."""
    old = templates(before)
    return {name for name, template in templates(recorded(changed)).items() if template != old[name]}


@pytest.mark.parametrize("key", ONCE)
def test_whoever_reads_a_secret_once_rolls_when_it_changes(before: Recorder, key: str) -> None:
    assert rolled(before, (key,)) == {ONCE[key]}


def test_whoever_reads_its_secrets_again_does_not_roll(before: Recorder) -> None:
    assert rolled(before, LIVE) == set()


def test_nothing_rolls_for_a_secret_that_stays(before: Recorder) -> None:
    assert rolled(before, ()) == set()


def test_a_checksum_is_no_secret_and_made_with_one(before: Recorder) -> None:
    """A secret within a pod would make one of the whole pod: no preview would show what changes."""
    checksums = {
        name: template["metadata"]["annotations"].get(CHECKSUM) for name, template in templates(before).items()
    }
    assert {name for name, checksum in checksums.items() if checksum} == set(ONCE.values())
    bucket = {
        name: SECRETS[key] for name, key in (("AWS_ACCESS_KEY_ID", "bucketId"), ("AWS_SECRET_ACCESS_KEY", "bucketKey"))
    }
    assert checksums["loki"] == secrets_checksum("kept", bucket)


def test_nobody_can_try_values_against_a_checksum() -> None:
    """Whoever may read pods but no Secrets sees it: without the key it fits every value."""
    secrets = {"smtp-password": "summer"}
    checksum = secrets_checksum("key", secrets)
    assert checksum == secrets_checksum("key", secrets)
    assert checksum != secrets_checksum("key", {"smtp-password": "winter"})
    assert checksum != secrets_checksum("another key", secrets)
    plain = ("summer", json.dumps(secrets), json.dumps(secrets, sort_keys=True))
    assert not any(hashlib.sha256(text.encode()).hexdigest().startswith(checksum) for text in plain)


def test_the_key_of_checksums_is_drawn_once_and_kept(before: Recorder) -> None:
    (kept,) = [made for made in before.resources_seen if made.name == "namespaces-checksums"]
    assert kept.ignore_changes == ("data", "type"), "another key would roll everything at every run"
    assert isinstance(kept.inputs["data"], Secret)
