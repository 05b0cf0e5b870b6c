"""Reads what another monitoring stack has, and writes a content folder and parts of a stack file. See docs/adopt.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from model.marked_yaml import documents, plain
from model.settings import Problem
from model.yaml_text import text
from tools.adopt import values
from tools.adopt.notes import Notes
from tools.adopt.objects import COMMANDS, given
from tools.adopt.report import figures, report
from tools.adopt.result import Result, adopted
from tools.recorder import PROJECT


class Unusable(Exception):
    """A file that cannot be read, or a folder that must not be written."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.adopt",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Reads what a cluster with the Prometheus operator has, as these commands print it:\n\n"
        + "\n".join(f"  {command}" for command in COMMANDS)
        + "\n\nWrites OUT/content/ (rules and dashboards), OUT/stack.yaml (parts of a stack file) and\n"
        "OUT/report.md, which lists everything that is not carried over, with the reason. See docs/adopt.md.",
    )
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="output of kubectl, or manifests")
    parser.add_argument("--values", type=Path, help="values file of the chart kube-prometheus-stack")
    parser.add_argument("--out", type=Path, default=Path("adopted"), help="new folder (default: adopted)")
    chosen = parser.parse_args(arguments)
    if not chosen.files and not chosen.values:
        parser.error("a FILE or --values is needed")
    try:
        result = _adopted(chosen.files, chosen.values)
        _write(chosen.out, result)
    except Unusable as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print("\n".join(figures(result)))
    print(f"Read {chosen.out / 'report.md'} next.")
    return 0


def _adopted(files: Sequence[Path], values_file: Path | None) -> Result:
    found: list[Problem] = []
    notes = Notes()
    objects = list(given({str(path): _text(path) for path in files}, found))
    parts = documents(str(values_file), _text(values_file), found) if values_file else []
    if len(parts) > 1:
        found.append(f"{values_file}: a values file has one document")
    if found:
        raise Unusable("\n".join(found))
    read = values.read(str(values_file), plain(parts[0]), notes) if parts else None
    return adopted(objects, read, notes)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as wrong:
        raise Unusable(f"{path}: cannot be read: {wrong.strerror}") from None
    except UnicodeDecodeError:
        raise Unusable(f"{path}: no text in UTF-8") from None


def _write(out: Path, result: Result) -> None:
    content = f"{out.as_posix()}/content/"
    sections = {**({"content": [content]} if result.content else {}), **result.sections}
    stack = {"config": {f"{PROJECT}:{name}": section for name, section in sections.items()}}
    files = {f"content/{path}": written for path, written in result.content.items()}
    files |= {"stack.yaml": text(stack), "report.md": report(result)}
    try:
        out.mkdir(parents=True)
    except FileExistsError:
        raise Unusable(
            f"{out}: is there already, and is not overwritten: move it away, or give another --out"
        ) from None
    except OSError as wrong:
        raise Unusable(f"{out}: cannot be made: {wrong.strerror}") from None
    for path, written in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
