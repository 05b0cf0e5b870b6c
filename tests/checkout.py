"""A copy of the checkout, to which somebody adds a system as CONTRIBUTING says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.recorder import ROOT

NEWCOMER = ROOT / "tests" / "newcomer"
"""The files of a system that the checkout has not, each where it lies in one that has."""
LISTS = {
    "rules/systems.py": {
        r"^from rules import \(\n": "    {key},\n",
        r"^SYSTEMS\b.*? = \(\n(?:    .*\n)+": "    {key}.SYSTEM,\n",
    },
    "dashboards/listed.py": {
        r"^from dashboards import \(\n": "    {key}_overview,\n",
        r"^DASHBOARDS\b.*? = \(\n(?:    .*\n)+": '    Listed("{key}", {key}_overview.DASHBOARD),\n',
    },
}
"""What a new system adds to the two files that name all: after what matches, this."""
NOT_COPIED = shutil.ignore_patterns(".[!cg]*", ".git", "__pycache__", "build")


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
        (folder / ".venv").symlink_to(ROOT / ".venv")

    def add(self, *below: str) -> None:
        """The system's files in these folders."""
        for part in below:
            shutil.copytree(NEWCOMER / part, self.folder / part, dirs_exist_ok=True)

    def name(self, key: str) -> None:
        """The system in the two lists."""
        for path, additions in LISTS.items():
            text = (self.folder / path).read_text(encoding="utf-8")
            for after, added in additions.items():
                text, times = re.subn(after, rf"\g<0>{added.format(key=key)}", text, count=1, flags=re.MULTILINE)
                assert times == 1, f"{path}: no {after}"
            (self.folder / path).write_text(text, encoding="utf-8")

    def run(self, *arguments: str, timeout: float = 300) -> tuple[int, str]:
        """A Python module in the copy: its exit code, and what it prints."""
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, cwd=self.folder, check=False, capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout + done.stderr

    def succeeds(self, *arguments: str, timeout: float = 300) -> None:
        code, printed = self.run(*arguments, timeout=timeout)
        assert code == 0, printed

    def fails(self, *arguments: str) -> str:
        """What is printed."""
        code, printed = self.run(*arguments)
        assert code != 0, printed
        return printed

    def changed(self) -> set[str]:
        """Files of the checkout that are not as they were."""
        copied = (path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
        paths = (path.relative_to(self.folder) for path in copied)
        there = (path for path in paths if (ROOT / path).exists())
        return {str(path) for path in there if (self.folder / path).read_bytes() != (ROOT / path).read_bytes()}
