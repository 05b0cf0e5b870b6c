"""Reads settings and secrets from Pulumi's config. Only programs call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
from pulumi import Output
from pulumi.runtime.config import CONFIG, is_config_secret

from components.settings.content import gathered
from components.settings.secrets import references
from components.settings.stack import Refused, Settings, read


def load(config: pulumi.Config, folder: Path) -> tuple[Settings, dict[str, Output[str]]]:
    """The settings and their secrets; raises RunError with all problems, before any resource is registered.

    ``config`` has the sections of a stack file as its keys. ``folder`` is the program's, to which content folders are
    relative.
    """
    prefix = f"{config.name}:"
    given = {key.removeprefix(prefix): raw for key, raw in CONFIG.get().items() if key.startswith(prefix)}
    secret = {key for key in given if is_config_secret(prefix + key)}
    sections = {key: plain(raw) for key, raw in sorted(given.items()) if key not in secret}
    try:
        settings = read(sections, secret, gathered(sections, folder))
    except Refused as refused:
        raise pulumi.RunError(str(refused)) from None
    for warning in settings.warnings:
        pulumi.warn(warning)
    return settings, {key: config.require_secret(key) for key in sorted({key for _, key in references(settings)})}


def plain(raw: str) -> Any:
    """A value in the stack file's form: Pulumi passes structured values as JSON, and text unchanged."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):  # no JSON, or nested too deep
        return raw
