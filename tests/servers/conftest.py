"""Servers that the tests of one run share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.control_plane import ControlPlane


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One cluster for the whole run: a test works in namespaces of its own and leaves the nodes as they are."""
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running
