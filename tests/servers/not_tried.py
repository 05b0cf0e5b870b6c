"""What a run could not try, because a server cannot be had on this machine: counted, said last, never a pass.

``REQUIRE=loki,engine`` makes failures of what those names would be counted for. Without it, a run fails when more is
not tried than is recorded in ``not_tried.toml``: so nothing stops being tried unnoticed.
"""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tools.servers import find
from tools.servers.find import NotHad

SERVER, NOT_TRIED = "server", "not tried"
"""Properties of a report: a server that was used and what is said of it, what was lacking and what to do."""
RECORDED = Path(__file__).with_name("not_tried.toml")


class NotTried:
    """The plugin; with xdist, workers mark their reports, and whoever started them counts."""

    def __init__(self, config: pytest.Config, recorded: Path = RECORDED) -> None:
        self._counts = not hasattr(config, "workerinput")
        self._recorded: Mapping[str, int] = tomllib.loads(recorded.read_text(encoding="utf-8"))
        self._required = {name for name in os.environ.get("REQUIRE", "").split(",") if name}
        unknown = self._required.difference(self._recorded)
        if unknown:
            raise pytest.UsageError(
                f"REQUIRE: {', '.join(sorted(unknown))}: no such name; there are {', '.join(self._recorded)}"
            )
        self._tests: Counter[str] = Counter()
        self._why: dict[str, str] = {}
        self._servers: dict[str, str] = {}
        """A line about each server that was used."""
        self._failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A test that needs what cannot be had is neither passed, failed nor skipped."""
        report = yield
        said = self._servers
        new = {found.name: str(found) for found in find.used() if found.name not in said}
        said.update(new)
        report.user_properties += [(SERVER, each) for each in new.items()]
        lacking = call.excinfo.value if call.excinfo else None
        if isinstance(lacking, NotHad):
            if lacking.what in self._required:
                report.longrepr = f"REQUIRE={lacking.what}, and {lacking}"
            else:
                report.outcome = "skipped"  # what pytest and xdist know; counted apart
                report.longrepr = (str(item.path), (item.location[1] or 0) + 1, f"Not tried: {lacking}")
                report.user_properties.append((NOT_TRIED, (lacking.what, lacking.why)))
        return report

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """A word of its own, in place of "skipped"."""
        return ("not tried", "n", "NOT TRIED") if _said(report, NOT_TRIED) else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one."""
        if report.failed:
            self._failed.append(f"failed: {report.nodeid}: {_why(report)}")
        self._servers.update(_said(report, SERVER))
        for what, why in _said(report, NOT_TRIED):
            self._tests[what] += 1
            self._why[what] = why

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """After everything that pytest prints: the servers that were used, what was not tried, and what failed.

        Last, since whoever looks at a run that others made often sees its end only.
        """
        yield
        if not self._counts:
            return
        lines = [f"server: {about}" for _, about in sorted(self._servers.items())]
        for what, tests in sorted(self._tests.items()):
            recorded = self._recorded.get(what, 0)
            lines.append(f"not tried without {what}: {_tests(tests)}, {recorded} recorded; {self._why[what]}")
            if tests > recorded:
                lines.append(f"failed: more is not tried without {what} than {RECORDED.name} records")
                session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        lines += self._failed
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        for line in lines if reporter else ():
            reporter.write_line(line)


def _said(report: pytest.TestReport, kind: str) -> list[tuple[str, str]]:
    """The properties of one kind that a report has; xdist passes them on."""
    properties = getattr(report, "user_properties", ())  # a file that does not import has none
    found: list[Any] = [value for name, value in properties if name == kind]
    return [(name, text) for name, text in found]


def _why(report: pytest.TestReport) -> str:
    """The first line of the error, or the last of what is said instead of one."""
    crash = getattr(report.longrepr, "reprcrash", None)
    said: str = crash.message.partition("\n")[0] if crash else report.longreprtext.strip().rpartition("\n")[2]
    return said[:300]  # a long comparison is above, whole


def _tests(number: int) -> str:
    return f"{number} test" if number == 1 else f"{number} tests"
