"""Whoever upgrades loses nothing: what a release deployed is found again under its name, and nothing is replaced."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Stacks
from tests.upgrades import RELEASES, STACKS, identities, released

GONE = {
    r".*::grafana-content-dashboard-rb-\w+": "a runbook is a row of its system's dashboard, no longer one of its own",
}
"""Pattern of a URN, and why an upgrade deletes it; the CHANGELOG says the same to whoever upgrades."""


def goes(urn: str) -> bool:
    return any(re.fullmatch(pattern, urn) for pattern in GONE)


CASES = [(path.name.removesuffix(".json.gz"), name) for path in sorted(RELEASES.glob("*.gz")) for name in STACKS]


@pytest.mark.parametrize(("release", "name"), CASES)
def test_an_upgrade_replaces_nothing_and_deletes_only_what_the_changelog_names(
    release: str, name: str, stack: Stacks
) -> None:
    now = identities(stack(name))
    for urn, before in released(release)[name].items():
        if not goes(urn):
            assert now.get(urn) == before, f"{urn}: would be deleted or replaced, with all that is in it"


@pytest.mark.parametrize(("release", "name"), CASES)
def test_what_is_said_to_go_is_gone(release: str, name: str, stack: Stacks) -> None:
    now = identities(stack(name))
    assert not [urn for urn in released(release)[name] if goes(urn) and urn in now]


def test_no_release_is_forgotten() -> None:
    assert CASES
