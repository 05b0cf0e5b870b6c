"""An alert becomes a row: the example's receiver, a real Alertmanager, and the page's SQL in a real PostgreSQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import NOTHING
from tools import stack_file
from tools.local.certificate import made as certificate
from tools.local.harness import eventually, http_text
from tools.local.postgresql import Postgres, folder
from tools.local.receiving import Endpoints, endpoints
from tools.local.rendered import changed
from tools.local.server import LocalServer
from tools.recorder import ROOT

ROWS, KEY = "supabase-rows", "sb_secret_planted"
# What every database of Supabase has.
SUPABASE = (
    "create role anon",
    "create role authenticated",
    "create role service_role bypassrls",
    "alter default privileges grant all on tables to anon, authenticated, service_role",
    "alter default privileges grant all on functions to anon, authenticated, service_role",
    "create publication supabase_realtime",
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One as Supabase's, after what the page says to run."""
    page = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
    (statements,) = re.findall(r"```sql\n(.+?)```", page, re.DOTALL)
    with folder() as data:
        server = Postgres(data, "rows")
        server.create(certificate(tmp_path_factory.mktemp("rows")))
        server.start()
        try:
            server.sql(*SUPABASE)
            server.sql(statements)
            yield server
        finally:
            server.stop()


def taken(database: Postgres, body: Any, role: str = "service_role") -> None:
    """As PostgREST calls a function with a single unnamed parameter: with the whole body."""
    text = json.dumps(body).replace("'", "''")
    database.sql(f"set role {role}", f"select take_alerts('{text}'::json)")


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalServer, Endpoints]]:
    """An Alertmanager with the receiver of the example, and what stands in for Supabase's gateway."""
    home = tmp_path_factory.mktemp("alerts")
    given = stack_file.read(ROOT / "examples" / "eliza" / "Pulumi.prod.yaml").config["notifications"]
    (receiver,) = (each for each in given["receivers"] if each["name"] == ROWS)
    quick = {"groupWait": "1s", "criticalGroupWait": "1s", "groupInterval": "1s"}
    told = {"receivers": [receiver], "routes": [{"receiver": ROWS}], **quick}
    with endpoints() as gateway:
        planted = {f"{ROWS}-url": f"{gateway.url}/rest/v1/rpc/take_alerts", f"{ROWS}-header-apikey": KEY}
        made = changed(home / "stack", changes={"systems": NOTHING, "notifications": told})
        alertmanager = LocalServer(made, "alertmanager", home / "alertmanager", planted=planted)
        with alertmanager.running():
            yield alertmanager, gateway


def test_an_alert_is_a_row_that_changes_when_it_ends(posted: tuple[LocalServer, Endpoints], database: Postgres) -> None:
    alertmanager, gateway = posted
    began = datetime.now(UTC)

    def raised(*agents: str, ends: datetime) -> None:
        alerts = [
            {
                "labels": {"alertname": "AgentUnhealthy", "severity": "warning", "agent_name": name},
                "annotations": {"summary": "An agent is not healthy.", "description": f"Agent {name}'s check fails."},
                "startsAt": began.isoformat(),
                "endsAt": ends.isoformat(),
            }
            for name in agents
        ]
        posted_as = {"Content-Type": "application/json"}
        http_text(f"{alertmanager.url}/api/v2/alerts", body=json.dumps(alerts).encode(), headers=posted_as)

    def rows(status: str) -> bool:
        """Whether each message so far, taken in turn, leaves both alerts with this status."""
        for post in gateway.of("rest"):
            assert {name.lower(): value for name, value in post.headers.items()}["apikey"] == KEY
            taken(database, post.body)
        found = database.sql("select name, severity, status, ends_at is null from alert_notifications order by labels")
        return found.splitlines() == [f"AgentUnhealthy|warning|{status}|{'t' if status == 'firing' else 'f'}"] * 2

    raised("researcher", "writer", ends=began + timedelta(minutes=5))
    eventually(lambda: rows("firing"), 30, "two alerts of one message are two rows")
    raised("researcher", "writer", ends=datetime.now(UTC))
    eventually(lambda: rows("resolved"), 30, "the rows change")
    assert database.sql("select description from alert_notifications where labels->>'agent_name' = 'writer'") == (
        "Agent writer's check fails.\n"
    )


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_nobody_else_writes_or_reads_rows(database: Postgres, role: str) -> None:
    with pytest.raises(AssertionError, match="permission denied for function take_alerts"):
        taken(database, {"alerts": []}, role)
    read = database.sql(f"set role {role}", "select count(*) from alert_notifications")
    assert read == "SET\n0\n", "there is no policy"


def test_rows_are_of_what_realtime_sends(database: Postgres) -> None:
    tables = database.sql("select tablename from pg_publication_tables where pubname = 'supabase_realtime'")
    assert tables == "alert_notifications\n"
