"""The queries that people save in their content folders."""

from __future__ import annotations

from dashboards.model import Dashboard, Panel, Row, Visualization
from model.content import SavedQuery
from model.uids import SAVED_QUERIES


def dashboard(queries: tuple[SavedQuery, ...]) -> Dashboard:
    """One panel with all of them, each in a block to copy."""
    blocks = (f"### {query.title}\n\n```{query.language}\n{query.expr}\n```\n" for query in queries)
    return Dashboard(
        uid=SAVED_QUERIES,
        title="Saved queries",
        description="Queries to paste into Explore.",
        folder="Home",
        tags=("home",),
        rows=(
            Row(
                "Queries",
                (
                    Panel(
                        title="Saved queries",
                        description="\n".join(blocks),
                        visualization=Visualization.TEXT,
                        width=24,
                        height=20,
                    ),
                ),
            ),
        ),
    )
