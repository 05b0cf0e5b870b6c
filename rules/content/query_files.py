"""Saved queries: lists of a title and PromQL or LogQL."""

from __future__ import annotations

from collections.abc import Iterator

from model.content import SavedQuery
from model.marked_yaml import Part, documents
from model.settings import Problem
from rules.content.logql import problem as wrong_logql
from rules.content.metric_rules import parses

LANGUAGES = ("promql", "logql")


def saved(file: str, text: str, found: list[Problem]) -> Iterator[SavedQuery]:
    for document in documents(file, text, found):
        for part in document.entries():
            if query := _query(part):
                yield query


def _query(part: Part) -> SavedQuery | None:
    keys = part.keys(("title", *LANGUAGES))
    given = [language for language in LANGUAGES if language in keys]
    if "title" not in keys or len(given) != 1:
        part.wrong("a saved query has a `title`, and either `promql` or `logql`")
        return None
    (language,) = given
    if language == "promql" and not parses(keys[language], "promql"):
        return None
    if language == "logql" and (problem := wrong_logql(keys[language].text())):
        keys[language].wrong(f"logql: not LogQL: {problem}")
        return None
    return SavedQuery(keys[language].place, keys["title"].text(), language, keys[language].text().strip())
