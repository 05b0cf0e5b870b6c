"""Builds the wheel for other programs: every package below one name, with its data files.

``pip install`` from the repository builds it, or ``python -m hatchling build -t wheel``. The tree of the repository
becomes ``agent_observability``, so that ``components`` clashes with nobody's: each import of a package of ours is
rewritten, at the place that the syntax tree gives, and nothing else.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "agent_observability"
PACKAGES = ("components", "dashboards", "model", "rules")
DATA = ("docs/runbooks",)
"""Folders that the packages read, below the root as they are here."""


def files(root: Path) -> Iterator[tuple[str, bytes]]:
    """Path below the package, and content, of every file of the wheel."""
    yield "__init__.py", b'"""The packages of agent-observability, for other programs."""\n'
    yield "py.typed", b""
    for folder in (*PACKAGES, *DATA):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                name = path.relative_to(root).as_posix()
                yield name, rewritten(content.decode(), name).encode() if path.suffix == ".py" else content


def rewritten(source: str, name: str) -> str:
    """The module with imports of our packages below the one name; raises ValueError for one that cannot be moved."""
    lines = source.splitlines(keepends=True)
    # From the last one, so that earlier places stay right. Before an import there is white space alone: no bytes count.
    for node in sorted(ast.walk(ast.parse(source)), key=lambda node: -getattr(node, "lineno", 0)):
        if isinstance(node, ast.Import) and any(_ours(alias.name) for alias in node.names):
            raise ValueError(f"{name}:{node.lineno}: import names from a module: `import` binds the package's own name")
        if isinstance(node, ast.ImportFrom) and node.module and not node.level and _ours(node.module):
            line, at = lines[node.lineno - 1], node.col_offset + len("from ")
            lines[node.lineno - 1] = f"{line[:at]}{NAME}.{line[at:]}"
    return "".join(lines)


def _ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


class Wheel(BuildHookInterface[Any]):
    """Puts the rewritten tree where Hatch packs it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  Hatch's own signature
        self._tree = Path(self.directory) / NAME
        shutil.rmtree(self._tree, ignore_errors=True)
        for name, content in files(Path(self.root)):
            (self._tree / name).parent.mkdir(parents=True, exist_ok=True)
            (self._tree / name).write_bytes(content)
        build_data["force_include"][str(self._tree)] = NAME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002  as above
        shutil.rmtree(self._tree)
