"""Servers come out of the images that are deployed: pulled from a registry, unpacked whole, and started."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import pytest

from components import images
from model.cluster import Images
from model.images import Pinned
from model.quantities import Image
from tools.local.harness import Process, free_port, http_text
from tools.servers import pull as puller
from tools.servers.find import binary, image_folder
from tools.servers.pull import PullError, pull

SERVER = "alertmanager"
PROGRAMS = tuple(images.ALL[SERVER].binaries)


NO_LINKS: Mapping[str, str] = {}


class Registry:
    """An empty one on this machine."""

    def __init__(self, address: str, home: Path) -> None:
        self.images = Images(registry=address)
        self._home = home

    def reference(self, server: str) -> str:
        return images.ALL[server].reference(self.images)

    def push(
        self, server: str, programs: Mapping[str, Path], files: Sequence[Path] = (), links: Mapping[str, str] = NO_LINKS
    ) -> str:
        """An image of a server with programs by their names, files where they lie here, and links; its digest."""
        layer = self._home / "layer.tar"
        with tarfile.open(layer, "w") as packed:
            for name, program in programs.items():
                packed.add(program.resolve(), images.ALL[server].binaries[name].lstrip("/"))
            for file in files:
                packed.add(file.resolve(), str(file).lstrip("/"))
            for name, target in links.items():
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, target
                packed.addfile(link)
            packed.addfile(tarfile.TarInfo("etc/empty"), BytesIO())
        argv: list[str | Path] = [binary("crane"), "append", f"--new_layer={layer}"]
        argv.append(f"--new_tag={self.reference(server)}")
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        return str(done.stdout.strip().partition("@")[2])


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    address = f"127.0.0.1:{free_port()}"
    argv: list[str | Path] = [binary("crane"), "registry", "serve", f"--address={address}"]
    with Process(argv, log=tmp_path / "registry.log") as process:
        process.ready(lambda: http_text(f"http://{address}/v2/") is not None)
        yield Registry(address, tmp_path)


@pytest.fixture
def cache(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one."""
    del registry  # has found crane in the cache that people have
    monkeypatch.setenv("AGENT_OBSERVABILITY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def started(server: str, name: str) -> Path:
    """What starts a program that came out of an image; the PATH may have another."""
    path = image_folder(server) / "bin" / name
    assert path.exists()
    return path


@pytest.fixture
def compiled() -> dict[str, Path]:
    return {name: binary(name) for name in PROGRAMS}


def test_a_server_is_taken_from_its_image_and_starts(
    compiled: dict[str, Path], registry: Registry, cache: Path, tmp_path: Path
) -> None:
    digest = registry.push(SERVER, compiled)

    assert pull(SERVER, registry.images) == digest

    assert all(started(SERVER, name).is_relative_to(cache) for name in PROGRAMS)
    config = tmp_path / "alertmanager.yml"
    config.write_text("receivers: [{name: nobody}]\nroute: {receiver: nobody}\n")
    address = f"127.0.0.1:{free_port()}"
    argv: list[str | Path] = [
        started(SERVER, SERVER),
        f"--config.file={config}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with Process(argv, log=tmp_path / "log", cwd=tmp_path) as process:
        process.ready(lambda: http_text(f"http://{address}/-/ready"))
        assert ("127.0.0.1", int(address.rpartition(":")[2])) in process.listens(), "it, and not a shell before it"


def test_the_whole_file_system_is_there(compiled: dict[str, Path], registry: Registry, cache: Path) -> None:
    registry.push(SERVER, compiled, links={"var/run": "/etc"})

    pull(SERVER, registry.images)

    (root,) = cache.glob("images/*/*/root")
    assert (root / "etc" / "empty").is_file()
    assert (root / "var" / "run" / "empty").is_file(), "an absolute link leads to the image's own file"


def test_a_dynamically_linked_program_runs_on_the_libraries_of_its_image(registry: Registry, cache: Path) -> None:
    cat = shutil.which("cat")
    assert cat
    linked = subprocess.run(["ldd", cat], check=True, capture_output=True, text=True).stdout.split()
    registry.push("grafana", {"grafana": Path(cat)}, files=[Path(word) for word in linked if word.startswith("/")])
    pull("grafana", registry.images)
    program = started("grafana", "grafana")

    maps = subprocess.run([program, "/proc/self/maps"], check=True, capture_output=True, text=True).stdout

    assert program.resolve().parents[1] == program.parents[1] / "root/usr/share/grafana", "where its pages are"

    mapped = {Path(line.split()[-1]) for line in maps.splitlines() if ".so" in line}
    assert any("libc" in path.name for path in mapped), maps
    assert all(path.is_relative_to(cache) for path in mapped), "nothing of this machine's"


def test_a_tag_that_was_recorded_keeps_its_digest(
    compiled: dict[str, Path], registry: Registry, cache: Path, tmp_path: Path
) -> None:
    del cache
    digests = tmp_path / "digests.json"
    before = registry.push(SERVER, compiled)
    pull(SERVER, registry.images, digests)
    assert not digests.exists(), "only on request"
    pull(SERVER, registry.images, digests, write=True)
    assert json.loads(digests.read_text()) == {str(images.ALL[SERVER].image): before}

    after = registry.push(SERVER, compiled, links={"new": "link"})

    with pytest.raises(PullError, match=f"is {after} now, but {before} in digests.json: WRITE=1 records"):
        pull(SERVER, registry.images, digests)
    assert pull(SERVER, registry.images, digests, write=True) == after


def test_what_lies_in_the_cache_is_not_pulled_again_and_an_older_tag_goes(
    compiled: dict[str, Path], registry: Registry, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.push(SERVER, compiled)
    pull(SERVER, registry.images)
    (folder,) = cache.glob(f"images/{SERVER}/*")
    (folder / "mark").touch()
    pull(SERVER, registry.images)
    assert (folder / "mark").exists()
    newer = Pinned(Image.parse("example.org/alertmanager:v9"), 1, "9", binaries=images.ALL[SERVER].binaries)
    monkeypatch.setitem(images.ALL, SERVER, newer)
    registry.push(SERVER, compiled)

    pull(SERVER, registry.images)

    assert [each.name for each in cache.glob(f"images/{SERVER}/*")] == ["v9"]


def test_an_image_without_the_program_is_refused_by_its_path(registry: Registry, cache: Path) -> None:
    registry.push(SERVER, {})

    with pytest.raises(PullError, match=r"it has no /bin/alertmanager, the path of the program in its pin"):
        pull(SERVER, registry.images)
    assert not list(cache.glob("images/*/*")), "nothing is left half done"


def test_an_image_that_is_not_there_is_one_line(registry: Registry, cache: Path) -> None:
    del cache

    with pytest.raises(PullError, match=f"^crane digest {registry.reference('loki')}: .*NAME_UNKNOWN.*$"):
        pull("loki", registry.images)


def test_nothing_in_an_unpacked_image_leads_out_of_it(
    compiled: dict[str, Path], registry: Registry, cache: Path
) -> None:
    registry.push(
        SERVER, compiled, links={"out": "../../../../../../../etc", "run": "/etc", "bin/here": "alertmanager"}
    )

    pull(SERVER, registry.images)

    (root,) = cache.glob("images/*/*/root")
    links = [path for path in root.rglob("*") if path.is_symlink()]
    assert {link.name for link in links} >= {"run", "here"}
    assert all(link.resolve().is_relative_to(root) for link in links)


def test_a_program_without_a_loader_is_started_as_it_is(compiled: dict[str, Path]) -> None:
    assert puller.interpreter(compiled[SERVER]) == ""
