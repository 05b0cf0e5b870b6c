"""A new system takes two names in lists and files of its own. The tests name what is missing, and then pass."""

from __future__ import annotations

from pathlib import Path

from tests.checkout import LISTS, Checkout

COMPLETE = (
    "pytest",
    "-p",
    "no:cacheprovider",
    "--quiet",
    "tests/rules/test_complete.py",
    "tests/test_expositions.py",
    "tests/test_systems.py",
    "tests/test_stack_settings.py",
    "tests/test_catalogue.py",
)
"""What asks whether a system is complete."""
ALERTS = ("MemcachedDown", "MemcachedConnectionsRunningOut", "MemcachedEvictsMuch", "MemcachedHitsErrorBudgetSpent")


def test_a_new_system_edits_two_lists_and_the_tests_name_what_it_lacks(tmp_path: Path) -> None:
    made = Checkout(tmp_path / "checkout")
    made.add("rules", "dashboards")
    made.name("memcached")
    assert made.changed() == set(LISTS)

    assert "alert MemcachedDown: no runbook docs/runbooks/MemcachedDown.md" in made.fails(*COMPLETE)

    made.add("docs")
    said = made.fails(*COMPLETE)
    assert "tests/rules/memcached.py" in said
    assert "tests/expositions/memcached-exporter.txt" in said
    assert [alert for alert in ALERTS if f"at_each_severity[{alert}]" not in said] == []

    made.add("tests")
    made.succeeds(*COMPLETE)
    assert made.changed() == set(LISTS)


def test_a_system_that_is_added_by_the_book_passes_everything(tmp_path: Path) -> None:
    made = Checkout(tmp_path / "checkout")
    made.add("rules", "dashboards", "docs", "tests")
    made.name("memcached")
    made.succeeds("tools.schema")
    made.succeeds("tests.snapshots")

    made.succeeds("ruff", "check", "--fix", "--select=I", ".")
    made.succeeds("ruff", "check", ".")
    made.succeeds("ruff", "format", "--check", ".")
    made.succeeds("pytest", "--quiet", "--numprocesses=auto", "--dist=loadfile", timeout=1800)
    made.succeeds("pytest", "--quiet", "-k=Memcached or MEMCACHED", "tests/servers/test_rules.py", timeout=600)
