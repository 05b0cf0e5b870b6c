"""A stack's Grafana as the engine receives it."""

from __future__ import annotations

import configparser
import json
from functools import cache
from typing import Any

from model.cluster import ClusterSettings
from tools import render, stack_file
from tools.recorder import ROOT, Recorder, Resource, record

NAME = "app.kubernetes.io/name"
EXISTING = {"name": "kept-elsewhere", "key": "value"}
POSTGRES = {"database": {"postgres": {"host": "db.example.com", "passwordSecret": EXISTING}}}
OIDC = {
    "clientId": "grafana",
    "clientSecretSecret": EXISTING,
    "authUrl": "https://id.example.com/authorize",
    "tokenUrl": "https://id.example.com/token",
    "apiUrl": "https://id.example.com:8443/userinfo",
    "roleAttributePath": "contains(groups[*], 'admins') && 'Admin' || 'Viewer'",
    "allowedDomains": ["example.com", "example.org"],
}
SMTP = {"host": "mail.example.com:587", "user": "grafana", "passwordSecret": EXISTING, "fromAddress": "a@example.com"}
EVERYTHING = {**POSTGRES, "replicas": 2, "oidc": OIDC, "smtp": SMTP}
ABROAD = {"external": {"url": "https://grafana.elsewhere.example.com", "tokenSecret": "grafanaToken"}}
CLUSTER = ClusterSettings(name="c", environment="test", context="c", flavour="kind")


@cache
def _recorded(stack: str, grafana: str | None, secrets: tuple[str, ...]) -> Recorder:
    given = stack_file.read(ROOT / f"Pulumi.{stack}.yaml").config
    if grafana is not None:
        given["grafana"] = json.loads(grafana)
    return record(stack, given, dict.fromkeys(secrets, "s3cret"))


def recorded(stack: str = "prod", grafana: dict[str, Any] | None = None, secrets: tuple[str, ...] = ()) -> Recorder:
    """A shipped stack file, or one with this Grafana instead, as the engine receives it; look, do not touch."""
    return _recorded(stack, None if grafana is None else json.dumps(grafana), secrets)


def objects(recorder: Recorder) -> dict[tuple[str, str], dict[str, Any]]:
    """What is Grafana's, by kind and name."""
    made = {(made["kind"], made["metadata"]["name"]): made for made in render.manifests(recorder)}
    return {key: value for key, value in made.items() if value["metadata"]["labels"].get(NAME) == "grafana"}


def deployment(recorder: Recorder) -> dict[str, Any]:
    return objects(recorder)["Deployment", "grafana"]


def container(recorder: Recorder) -> dict[str, Any]:
    (only,) = deployment(recorder)["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def parsed(text: str) -> dict[str, dict[str, str]]:
    """An ini file as Grafana reads it: a value in triple quotes is what stands between them."""
    reader = configparser.RawConfigParser(comment_prefixes=("#", ";"), inline_comment_prefixes=None)
    reader.optionxform = str  # type: ignore[assignment,method-assign]  # keys are case-sensitive
    reader.read_string(text)
    return {
        section: {key: value.removeprefix('"""').removesuffix('"""') for key, value in reader[section].items()}
        for section in reader.sections()
    }


def ini(recorder: Recorder) -> dict[str, dict[str, str]]:
    return parsed(render.config_files(render.manifests(recorder))["grafana/config/grafana.ini"])


def resources(recorder: Recorder) -> dict[str, Resource]:
    return {made.name: made for made in recorder.resources_seen if made.name.startswith("grafana")}


def policy(recorder: Recorder) -> dict[str, Any]:
    spec: dict[str, Any] = objects(recorder)["NetworkPolicy", "grafana"]["spec"]
    return spec
