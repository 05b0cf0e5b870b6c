"""Saved queries, of the systems that are on and of people's content folders, for what the variables choose."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from dashboards.model import Dashboard, Panel, Query, Row, Visualization, log_variables
from model.content import SavedQuery as Theirs
from model.datasources import LOKI, PROMETHEUS
from model.uids import HOME, SAVED_QUERIES
from rules.logs.saved import AGENTS, SAVED, SavedQuery
from rules.logs.uids import LOGS
from rules.systems import SYSTEMS

_CHOSEN = 'cluster=~"$cluster", namespace=~"$namespace", app=~"$app"'
_PLACES = (f'{AGENTS}, app="backend"', AGENTS, 'namespace=~".+"')
"""Matchers of the queries that the variables replace."""
_BY = re.compile(r"\bby \(([^)]+)\)")


def dashboard(on: Collection[str], theirs: tuple[Theirs, ...]) -> Dashboard:
    """A row for each system that is on, by its key, and one for what people save."""
    titles = {system.key: system.title for system in SYSTEMS}
    rows = (
        *(
            Row(title, tuple(_panel(each) for each in SAVED if each.system == key and not each.panel))
            for key, title in titles.items()
            if key in on
        ),
        Row("Your own", tuple(_theirs(theirs))),
    )
    return Dashboard(
        uid=SAVED_QUERIES,
        title="Saved queries",
        description="Queries of the systems that are on. The box takes an id: of a trace, an agent, a conversation.",
        folder="Home",
        tags=("home", "logs"),
        variables=log_variables("cluster", "namespace", "app"),
        search=True,
        related=(HOME, LOGS),
        # A page asks all that is open at once. Of ten systems that takes seconds, and people look for one query.
        rows=tuple(replace(row, collapsed=place > 0) for place, row in enumerate(row for row in rows if row.panels)),
    )


def for_chosen(saved: SavedQuery, chosen: str = _CHOSEN) -> str:
    """The query for the streams with the matchers ``chosen``, and for the id in the box."""
    expr = saved.expr
    for place in _PLACES:
        expr = expr.replace(place, chosen)
    return expr.replace(f'"{saved.searched}"', '"$search"') if saved.searched else expr


def _panel(saved: SavedQuery) -> Panel:
    chosen = _CHOSEN if saved.language == "logql" else _CHOSEN.rpartition(",")[0]
    finds = "For the id in the box." if saved.searched else "Of `docs/logql.md`."
    return _shown(saved.title, finds, saved.language, for_chosen(saved, chosen))


def _theirs(queries: tuple[Theirs, ...]) -> Iterator[Panel]:
    for each in queries:
        yield _shown(each.title, f"From `{each.where.partition(':')[0]}`.", each.language, each.expr)


def _shown(title: str, description: str, language: str, expr: str) -> Panel:
    """Lines as lines, the results of ``topk`` as a table, all else over time."""
    by = _BY.findall(expr)
    labels = tuple(by[-1].split(", ")) if by else ()
    table = expr.startswith("topk(") and bool(labels)
    lines = language == "logql" and expr.startswith("{")
    view = Visualization.LOGS if lines else Visualization.TABLE if table else Visualization.TIME_SERIES
    legend = "Value" if table else "" if lines else " ".join(f"{{{{{label}}}}}" for label in labels)
    datasource = LOKI if language == "logql" else PROMETHEUS
    return Panel(
        title=title,
        description=description,
        visualization=view,
        queries=(Query(expr=expr, legend=legend, datasource=datasource),),
        columns=labels if table else (),
        width=12,
    )
