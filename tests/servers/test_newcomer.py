"""A new system passes every fast test, and promtool says of its rules what its examples say."""

from __future__ import annotations

from pathlib import Path

from tests.checkout import Checkout


def test_a_system_that_is_added_by_the_book_passes_everything(tmp_path: Path) -> None:
    made = Checkout(tmp_path / "checkout")
    made.add("rules", "dashboards", "docs", "tests")
    made.name("memcached")
    made.succeeds("tools.schema")
    made.succeeds("tests.snapshots")

    made.succeeds("ruff", "check", "--fix", "--select=I", ".")
    made.succeeds("ruff", "check", ".")
    made.succeeds("ruff", "format", "--check", ".")
    made.succeeds(
        "pytest", "--quiet", "--numprocesses=auto", "--dist=loadfile", "--ignore=tests/test_newcomer.py", timeout=1800
    )
    made.succeeds("pytest", "--quiet", "-k=Memcached or MEMCACHED", "tests/servers/test_rules.py", timeout=600)
