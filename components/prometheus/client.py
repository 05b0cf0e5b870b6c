"""Logins and certificates of Prometheus's requests, in its configuration. Secrets are files."""

from __future__ import annotations

from typing import Any

from components.settings.client import Client
from components.settings.prometheus import PrometheusSettings
from components.settings.scrape_jobs import ScrapeJobSettings, ScrapeTls
from model.scrape import SECRETS
from model.settings import Secret


def login(client: Client, name: str) -> dict[str, Any]:
    """The settings of a login; ``name`` begins the names of its files."""
    if client.basic_auth:
        return {"basic_auth": {"username": client.basic_auth.username, "password_file": _path(name, "password")}}
    if client.bearer_token_secret:
        return {"authorization": {"credentials_file": _path(name, "token")}}
    if client.header:
        return {"http_headers": {client.header.name: {"files": [_path(name, "header")]}}}
    return {}


def tls(client: Client, name: str) -> dict[str, Any] | None:
    """The value of ``tls_config``; None leaves it to the system's certificates."""
    given = secrets_of(client, name)
    config: dict[str, Any] = {
        f"{use}_file": _path(name, use) for use in ("ca", "cert", "key") if f"{name}-{use}" in given
    }
    if client.tls.server_name:
        config["server_name"] = client.tls.server_name
    if isinstance(client.tls, ScrapeTls) and client.tls.insecure_skip_verify:
        config["insecure_skip_verify"] = True
    return config or None


def requests(client: Client, name: str) -> dict[str, Any]:
    """Login and certificates together."""
    config = tls(client, name)
    return {**login(client, name), **({"tls_config": config} if config else {})}


def secrets_of(client: Client, name: str) -> dict[str, Secret]:
    """Secrets as files: file name below SECRETS to source."""
    sources = {
        "password": client.basic_auth.password_secret if client.basic_auth else None,
        "token": client.bearer_token_secret,
        "header": client.header.value_secret if client.header else None,
        "ca": client.tls.ca_secret,
        "cert": client.tls.cert_secret,
        "key": client.tls.key_secret,
    }
    return {f"{name}-{use}": source for use, source in sources.items() if source is not None}


# A dot, which the name of a queue of remote write has not: the two never name one file.
def scraping(job: ScrapeJobSettings) -> str:
    """What the names of a job's files begin with."""
    return f"scrape.{job.name}"


def discovering(job: ScrapeJobSettings) -> str:
    """The same for its HTTP discovery."""
    return f"discovery.{job.name}"


def secrets(settings: PrometheusSettings) -> dict[str, Secret]:
    """All secrets of Prometheus, as files."""
    found: dict[str, Secret] = {}
    for remote in settings.remote_write:
        found |= secrets_of(remote, remote.name)
    for job in settings.scrape_jobs:
        found |= secrets_of(job, scraping(job))
        if job.http:
            found |= secrets_of(job.http, discovering(job))
    return found


def _path(name: str, use: str) -> str:
    return f"{SECRETS}/{name}-{use}"
