"""Reads content folders: what people bring, sorted by the folder that it lies in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from model.content import Query, Runbook
from model.promql import parsed
from model.runbooks import PLACEHOLDER, code_blocks
from model.settings import Problem
from model.uids import DashboardUid
from rules.content.dashboard_files import dashboard
from rules.content.log_rules import log_groups
from rules.content.metric_rules import metric_groups
from rules.content.modules import system
from rules.content.query_files import saved
from rules.content.rule_files import Around, stem
from rules.system import Content

Files = Mapping[str, str]
"""Path to text. Paths start with the folder's name in the stack file, and are what problems name."""
Folders = Mapping[str, Files]
"""By name in the stack file."""

RULES, LOKI, DASHBOARDS, RUNBOOKS, QUERIES, SYSTEMS = "rules", "loki", "dashboards", "runbooks", "queries", "systems"
KINDS = {
    RULES: (".yaml", ".yml", ".json"),
    LOKI: (".yaml", ".yml", ".json"),
    DASHBOARDS: (".json",),
    RUNBOOKS: (".md",),
    QUERIES: (".yaml", ".yml"),
    SYSTEMS: (".py",),
}
"""What a content folder has: folders, with the suffixes of the files in them."""
TEST = ".test"
"""Before the suffix of files with promtool's tests, beside the rules that they test."""


def content(folders: Folders, found: list[Problem]) -> Content:
    """What is in the folders; all problems of their files are ``found``."""
    files = {kind: dict(_of_kind(folders, kind)) for kind in KINDS}
    found += (problem for name in folders for path in folders[name] for problem in _misplaced(name, path))
    runbooks = tuple(
        Runbook(path, stem(path), text, tuple(_promql(path, text, found))) for path, text in files[RUNBOOKS].items()
    )
    found += _twice({path: stem(path) for path in files[RUNBOOKS]}, "a runbook")
    dashboards = tuple(
        drawn
        for path, text in files[DASHBOARDS].items()
        if (drawn := dashboard(path, _below(folders, path), text, found))
    )
    around = Around(
        runbooks={runbook.name for runbook in runbooks},
        dashboards={stem(each.where): DashboardUid(each.uid) for each in dashboards},
    )
    groups = tuple(
        group
        for path, text in files[RULES].items()
        if not is_test(path)
        for group in metric_groups(path, text, around, found)
    )
    of_logs = tuple(group for path, text in files[LOKI].items() for group in log_groups(path, text, around, found))
    systems = {path: made for path, text in files[SYSTEMS].items() if (made := system(path, text, found))}
    found += _twice({path: made.key for path, made in systems.items()}, "a system")
    return Content(
        groups=groups,
        grafana_groups=of_logs,
        runbooks=runbooks,
        dashboards=dashboards,
        queries=tuple(query for path, text in files[QUERIES].items() for query in saved(path, text, found)),
        systems=tuple(systems.items()),
    )


def _promql(path: str, text: str, found: list[Problem]) -> Iterator[Query]:
    """The queries of a runbook, which are drawn and kept like those of rules."""
    for start, block in code_blocks(text, "promql"):
        expr = PLACEHOLDER.sub("1", block)
        where = f"{path}:{text.count(chr(10), 0, start) + 1}"
        try:
            parsed(expr)
        except ValueError as wrong:
            found.append(f"{where}: not PromQL: {' '.join(str(wrong).split())}")
        else:
            yield Query(where, expr)


def is_test(path: str) -> bool:
    return PurePosixPath(path).stem.endswith(TEST)


def kind_of(folder: str, path: str) -> str:
    """The folder below the content folder that a file lies in."""
    return PurePosixPath(path).relative_to(folder).parts[0]


def _below(folders: Folders, path: str) -> str:
    """The path within the folder of its kind."""
    folder = next(name for name, files in folders.items() if path in files)
    return str(PurePosixPath(*PurePosixPath(path).relative_to(folder).parts[1:]))


def _of_kind(folders: Folders, kind: str) -> Iterator[tuple[str, str]]:
    for name, files in folders.items():
        yield from (
            (path, text)
            for path, text in sorted(files.items())
            if kind_of(name, path) == kind and PurePosixPath(path).suffix in KINDS[kind]
        )


def _misplaced(folder: str, path: str) -> Iterator[Problem]:
    kind, suffix = kind_of(folder, path), PurePosixPath(path).suffix
    if kind == PurePosixPath(path).name:
        if suffix != ".md":  # such as a README
            yield f"{path}: belongs into a folder: one of {', '.join(KINDS)}"
    elif kind not in KINDS:
        yield f"{path}: no such folder is read: one of {', '.join(KINDS)}"
    elif suffix not in KINDS[kind] and suffix != ".md":
        yield f"{path}: a file of {kind} ends in one of {', '.join(KINDS[kind])}"


def _twice(names: Mapping[str, str], what: str) -> Iterator[Problem]:
    """``names`` by path."""
    before: dict[str, str] = {}
    for path, name in names.items():
        if name in before:
            yield f"{path}: {what} of this name is in {before[name]} as well: rename one"
        before.setdefault(name, path)
