"""The content folders that a stack file names, and the one place that reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated

from model.settings import Problem, Spelled, problem
from rules.content.folders import Folders

ContentFolder = Annotated[
    str,
    Spelled(r"[^\s\\]([^\\\n]*[^\s\\])?", "a folder like content/, relative to the folder of the stack file"),
]


def gathered(sections: Mapping[str, object], root: Path) -> Folders:
    """The text of every file in the content folders of a stack file, by folder and path; hidden ones are left out."""
    named = sections.get("content")
    names = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return {name: dict(_files(root / name, PurePosixPath(name))) for name in names if _is_there(root, name)}


def _is_there(root: Path, name: str) -> bool:
    """Whether it is a folder, and not one that the project itself lies in: all of that is no content."""
    try:
        folder = (root / name).resolve()
        return folder.is_dir() and not root.resolve().is_relative_to(folder)
    except (OSError, ValueError):  # a name that no file can have
        return False


def _files(folder: Path, name: PurePosixPath) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith((".", "__")) for part in inside.parts)
        if path.is_file() and not hidden:
            yield str(name / inside.as_posix()), path.read_text(encoding="utf-8", errors="replace")


def missing(named: Iterable[str], folders: Folders) -> Iterator[Problem]:
    """Content folders that do not exist, or are named twice."""
    seen: set[PurePosixPath] = set()
    for position, name in enumerate(named):
        path = f"content[{position}]"
        if name not in folders:
            yield problem(path, name, "a folder of its own that exists, relative to the folder of the stack file")
        elif PurePosixPath(name) in seen:
            yield problem(path, name, "a folder that is named once")
        seen.add(PurePosixPath(name))
