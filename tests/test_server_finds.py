"""Where a server comes from: what is there already, in one order, else compiled, else said not to be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from components import images
from model.cluster import Images
from tools.servers import __main__ as command
from tools.servers import find as finder
from tools.servers.build import BuildError, Server
from tools.servers.find import FOLDER, NotHad, find, image_folder, need, there
from tools.servers.pull import PullError

Put = Callable[[str, str], Path]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """``put("PATH", "loki")``: a program of that name in that place; nothing else is anywhere."""
    monkeypatch.setenv("AGENT_OBSERVABILITY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv(FOLDER, str(tmp_path / "folder"))
    monkeypatch.setattr(finder, "_found", {})

    def compiled(server: Server) -> Path:
        return tmp_path / "compiled" / server.name

    monkeypatch.setattr(finder, "build", compiled)

    def put(place: str, name: str) -> Path:
        folders = {
            "PATH": tmp_path / "bin",
            FOLDER: tmp_path / "folder",
            "image": image_folder(name) / "bin",
            "cache": tmp_path / "cache" / "instruments" / "bin",
        }
        path = folders[place] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\necho version 1.2.3\n")
        path.chmod(0o755)
        return path

    return put


def test_a_server_is_taken_from_the_first_place_that_has_it(put: Put, tmp_path: Path) -> None:
    assert find("prometheus").path == tmp_path / "compiled" / "prometheus" / "prometheus"

    for place in ("cache", "image", FOLDER, "PATH"):
        path = put(place, "prometheus")

        assert (find("prometheus").place, find("prometheus").path) == (place, path)


def test_a_search_for_a_server_compiles_nothing(put: Put) -> None:
    assert not there("prometheus")
    assert find("prometheus").place == "compiled"
    put("PATH", "prometheus")
    assert there("prometheus")


def test_what_cannot_be_run_is_not_taken(put: Put) -> None:
    put("PATH", "loki").chmod(0o644)

    with pytest.raises(NotHad, match="loki is missing"):
        find("loki")


def test_the_report_of_a_missing_server_says_what_to_do(put: Put) -> None:
    del put

    with pytest.raises(NotHad) as lacking:
        find("promtail")

    assert lacking.value.what == "promtail"
    for way in ("put `promtail` on the PATH", FOLDER, "make servers FROM=images"):
        assert way in str(lacking.value)


def test_what_consists_of_several_programs_is_lacking_under_its_own_name(put: Put) -> None:
    put("PATH", "loki")

    assert len(need("logs", "loki")) == 1
    with pytest.raises(NotHad, match=r"logs is missing: promtail is missing") as lacking:
        need("logs", "loki", "promtail")
    assert lacking.value.what == "logs"


def test_a_build_that_fails_is_an_error_and_not_something_that_cannot_be_had(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    del put

    def failing(server: Server) -> Path:
        raise BuildError(server.name)

    monkeypatch.setattr(finder, "build", failing)
    with pytest.raises(BuildError):
        find("prometheus")


def test_it_is_said_which_server_it_is_and_how_that_differs_from_the_image(put: Put) -> None:
    path = put("PATH", "loki")
    assert str(find("loki")) == f"loki 1.2.3, deployed as {images.LOKI.version}: {path} (PATH)"
    path.write_text(f"#!/bin/sh\necho loki, version {images.LOKI.version} >&2\n")
    assert str(find("loki")) == f"loki {images.LOKI.version}, as deployed: {path} (PATH)"
    path.write_text("#!/bin/sh\nexit 1\n")
    assert find("loki").version == "unknown"


def test_an_unknown_program_is_refused_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="nginx-of-nobody: no server has this binary; there are alertmanager, amtool"):
        find("nginx-of-nobody")


def test_all_images_are_asked_for_and_every_problem_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def pull(server: str, registry: Images, *, write: bool) -> str:
        asked.append((server, registry.registry, write))
        if server in ("loki", "jaeger"):
            raise PullError(f"no {server} there")
        return "sha256:0123"

    def missing(name: str) -> None:
        raise NotHad(name, "look elsewhere")

    monkeypatch.setattr(command, "pull", pull)
    monkeypatch.setattr(command, "find", missing)

    assert command.main(["--from=images", "--stack=prod", "--write"]) == 1

    assert asked == [(server, None, True) for server in images.ALL]
    said = capsys.readouterr()
    assert f"{images.GRAFANA.image} is sha256:0123\n" in said.out
    assert "promtool is missing: look elsewhere\n" in said.out
    assert said.err == "no jaeger there\nno loki there\n"


@pytest.mark.parametrize("server", images.ALL)
def test_every_image_says_where_its_programs_are(server: str) -> None:
    binaries = images.ALL[server].binaries

    assert server in binaries
    assert all(path.startswith("/") for path in binaries.values())


@pytest.mark.usefixtures("put")  # with no apt-get on the PATH
def test_a_package_of_debian_s_is_unpacked_once(tmp_path: Path) -> None:
    with pytest.raises(NotHad, match="apt-get install redis-server"):
        find("redis-server")
    program = tmp_path / "cache" / "debian" / "redis-server-bookworm" / "redis-server"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    assert (find("redis-server").path, find("redis-server").place) == (program, "Debian")
