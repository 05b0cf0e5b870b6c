"""Logins and TLS of endpoints, with names of secrets in place of references to Secrets of another namespace."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from tools.adopt.notes import Fields, filled

_PROXY = "Prometheus speaks to targets directly: let the network policy and the network allow that"
_FILE = "it is a file in the old server's pod: name a Secret instead"
_VERSION = "the servers' own bounds hold, TLS 1.2 and above"
REASONS: Mapping[str, str] = {
    "oauth2": "the stack logs in with a token, a password, or a header: use one of them",
    "bearerTokenFile": "the stack sends Prometheus's own token to the API server and to kubelets only",
    "proxyUrl": _PROXY,
    "proxyURL": _PROXY,
    "noProxy": _PROXY,
    "proxyFromEnvironment": _PROXY,
    "proxyConnectHeader": _PROXY,
    "enableHttp2": "HTTP/2 is on, as is Prometheus's default",
    "enableHTTP2": "HTTP/2 is on, as is Prometheus's default",
    "followRedirects": "redirects are followed, as is Prometheus's default",
}
DEFAULTS: Mapping[str, Any] = {"enableHttp2": True, "enableHTTP2": True, "followRedirects": True}
_TLS_REASONS = {
    "caFile": _FILE,
    "certFile": _FILE,
    "keyFile": _FILE,
    "minVersion": _VERSION,
    "maxVersion": _VERSION,
}
_OPTIONAL = {"optional": "the stack needs every secret that it names"}
TO_SET = "set-me"
"""Stands for a user name that is in a Secret, which is not read."""


def secret(given: Fields, field: str, namespace: str, kind: str = "secret", called: str = "") -> str | None:
    """The key of ours for a ``{name, key}`` of theirs, or for a value that stands there in plain; None without one.

    ``called`` is what a value in plain is for: its key is named by it.
    """
    words = (namespace, called or given.path, field)
    if path := given.text(f"{field}File"):
        return given.notes.secret(words, f"the file {path} of the old server")
    if isinstance(given.take(field), str):
        return given.notes.secret(words, f"in plain text: {given.at(field)}")
    reference = given.part(field)
    name, key = reference.text("name"), reference.text("key")
    reference.rest(_OPTIONAL)
    if not name or not key:  # older operators write an empty reference
        return None
    # The API server lets a key have dots, which are steps of a path to kubectl.
    path = key.replace(".", "\\.")
    command = ("kubectl", "get", kind, name, "--namespace", namespace or "default", "--output")
    decoded = " | base64 --decode" if kind == "secret" else ""
    source = f"{shlex.join(command)} jsonpath={shlex.quote(f'{{.data.{path}}}')}{decoded}"
    return given.notes.secret((namespace, name, key), source)


def login(given: Fields, namespace: str, called: str = "") -> dict[str, Any]:
    """``basicAuth`` or ``bearerTokenSecret`` of a client; ``called`` as in :func:`secret`."""
    notes = given.notes
    made: dict[str, Any] = {}
    # The servers' own configuration has the token in plain, or in a file, which is the reason of a field of its own.
    for field in ("bearerTokenSecret", "bearerToken"):
        if given.given.get(field) and (token := secret(given, field, namespace, called=called)):
            made["bearerTokenSecret"] = token
    if given.take("basicAuth"):
        made["basicAuth"] = _basic_auth(given.part("basicAuth"), namespace, called)
    if given.take("authorization"):
        authorization = given.part("authorization")
        kind = authorization.text("type") or "Bearer"
        token = secret(authorization, "credentials", namespace, called=called)
        authorization.rest()
        if kind.lower() != "bearer":
            notes.without(authorization.at("type"), f"{kind}: the stack has bearerTokenSecret, basicAuth and header")
        elif token:
            made["bearerTokenSecret"] = token
    return made


def _basic_auth(given: Fields, namespace: str, called: str) -> dict[str, Any]:
    """User and password. The user is a setting of ours, and may be in a Secret of theirs."""
    password = secret(given, "password", namespace, called=called) or TO_SET
    if isinstance(given.take("username"), str):
        user = given.text("username")
    else:
        reference = given.part("username")
        where = f"the key {reference.text('key')} of the Secret {namespace}/{reference.text('name')}"
        reference.rest(_OPTIONAL)
        given.notes.check(given.at("username"), f"set basicAuth.username in place of {TO_SET}: it is in {where}")
        user = TO_SET
    given.rest()
    return {"username": user, "passwordSecret": password}


def tls(given: Fields, namespace: str, *, secure: bool) -> dict[str, Any]:
    """``tls`` of a client; nothing if the connection is not ``secure``, where it would be refused."""
    notes = given.notes
    made = filled(
        caSecret=_pem(given.part("ca"), namespace),
        certSecret=_pem(given.part("cert"), namespace),
        keySecret=secret(given, "keySecret", namespace),
        serverName=given.text("serverName"),
        insecureSkipVerify=given.take("insecureSkipVerify"),
    )
    given.rest(_TLS_REASONS)
    if made and not secure:
        notes.without(given.where, "the scheme is http, so it has no effect")
        return {}
    if ("certSecret" in made) != ("keySecret" in made):
        notes.without(given.where, "a certificate and its key belong together, and one of them is not in a Secret")
        made = {name: value for name, value in made.items() if name not in ("certSecret", "keySecret")}
    if made.get("insecureSkipVerify"):
        for name in ("caSecret", "serverName"):
            if made.pop(name, None):
                field = given.at({"caSecret": "ca"}.get(name, name))
                notes.without(field, "insecureSkipVerify makes it useless: take that away instead")
    return made


def _pem(given: Fields, namespace: str) -> str | None:
    """Of a certificate, which is in a Secret or in a ConfigMap."""
    one = secret(given, "secret", namespace)
    other = secret(given, "configMap", namespace, "configmap")
    given.rest()
    return one or other
