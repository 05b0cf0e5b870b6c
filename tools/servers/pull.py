"""Take servers from the images that the stack deploys, without Docker: see ``make servers FROM=images``.

An image is pulled by its pinned tag from the stack file's registry, and unpacked completely, since Grafana needs more
than a binary. Its digest is printed, and on request recorded beside the pins. Then a tag with another digest is an
error.
"""

from __future__ import annotations

import json
import platform
import shlex
import shutil
import struct
import subprocess
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from components import images
from model.cluster import Images
from tools.servers.find import binary, image_folder

DIGESTS = Path(images.__file__).with_name("image_digests.json")
"""Digests of images, by reference. It has only digests that a registry reported."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Go's name of the architecture, by the kernel's."""

_LIBRARIES = ("lib*", "usr/lib*", "lib/*-linux-*", "usr/lib/*-linux-*", "usr/local/lib")
"""Folders of shared libraries in distributions."""


class PullError(Exception):
    """An image could not be pulled or used; the message has the image and the reason."""


def pull(server: str, registry: Images, digests: Path = DIGESTS, *, write: bool = False) -> str:
    """Unpack the image of a server unless it is in the cache, and return its digest.

    ``write`` records the digest. Raises PullError, also if the recorded digest differs.
    """
    pinned = images.ALL[server]
    image = pinned.image.on(registry.registry)
    digest = _crane("digest", str(image)).strip()
    recorded: dict[str, str] = json.loads(digests.read_text()) if digests.exists() else {}
    name = str(pinned.image)
    if not write and recorded.get(name, digest) != digest:
        raise PullError(f"{image} is {digest} now, but {recorded[name]} in {digests.name}: WRITE=1 records the new one")
    folder = image_folder(server)
    if not _holds(folder, digest):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
            made = Path(unfinished) / folder.name
            _unpack(str(replace(image, digest=digest)), made / "root")
            _lay_out(server, made, folder)
            (made / "digest").write_text(digest)
            for old in set(folder.parent.iterdir()) - {Path(unfinished)}:
                shutil.rmtree(old)
            made.rename(folder)
    if write:
        current = {str(each.image) for each in images.ALL.values()}
        kept = {each: old for each, old in (recorded | {name: digest}).items() if each in current}
        digests.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    return digest


def _holds(folder: Path, digest: str) -> bool:
    note = folder / "digest"
    return note.exists() and note.read_text() == digest


def _crane(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - references come from the pins
        [binary("crane"), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it failed"]
        raise PullError(f"crane {arguments[0]} {arguments[1]}: {said[-1]}")
    return done.stdout


def _unpack(reference: str, root: Path) -> None:
    """The file system of an image for this machine's processor, as a container sees it."""
    machine = platform.machine()
    packed = root.with_suffix(".tar")
    root.mkdir(parents=True)
    _crane("export", reference, str(packed), f"--platform=linux/{_ARCHITECTURES.get(machine, machine)}")
    try:
        with tarfile.open(packed) as content:
            content.extractall(root, filter=_inside)  # noqa: S202 - the filter keeps all files in the folder
    except tarfile.TarError as problem:
        raise PullError(f"{reference}: {problem}") from None
    packed.unlink()


def _inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """The member to unpack: absolute links become links within the image; devices are left out."""
    if member.isdev():
        return None
    if member.issym() and member.linkname.startswith("/"):
        above = "../" * (len(PurePosixPath(member.name.lstrip("/")).parts) - 1)
        member = member.replace(linkname=f"{above}{member.linkname.lstrip('/')}")
    return tarfile.data_filter(member, folder)


def _lay_out(server: str, made: Path, folder: Path) -> None:
    """Link each program of a server, or a script that starts it, in ``bin``, for its final place in ``folder``.

    A script is next to the program that it starts, so a link leads to the program's surroundings in both cases.
    """
    root = made / "root"
    (made / "bin").mkdir()

    def later(path: Path) -> str:
        return str(folder / path.relative_to(made))

    for name, inside in images.ALL[server].binaries.items():
        program = root / inside.lstrip("/")
        if not program.is_file():
            raise PullError(f"{images.ALL[server].image}: it has no {inside}, the path of the program in its pin")
        start = program
        if loader := interpreter(program):
            # The image's libraries need the image's own loader.
            folders = sorted(each for pattern in _LIBRARIES for each in root.glob(pattern) if each.is_dir())
            libraries = ":".join(map(later, folders))
            argv = [later(root / loader.lstrip("/")), "--library-path", libraries, later(program)]
            start = program.with_name(f"start-{program.name}")
            start.write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n')
            start.chmod(0o755)
        (made / "bin" / name).symlink_to(Path("..") / start.relative_to(made))


def interpreter(program: Path) -> str:
    """The loader of a dynamically linked ELF program, as a path inside its image; "" for any other file."""
    content = program.read_bytes()
    if content[:6] != b"\x7fELF\x02\x01":  # 64 bits, little endian, as in all images here
        return ""
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    for entry in range(table, table + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", content, entry)
        if kind == 3:  # PT_INTERP
            return content[offset : offset + length].rstrip(b"\0").decode()
    return ""
