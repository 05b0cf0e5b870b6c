"""Objectives of Progressive: each namespace has them for itself, and of agents each type."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from model.quantities import Duration
from model.slo import USUAL, Slo, Symptom, rate
from rules.progressive.selectors import FAILED, agent, core

WEEK = Duration.parse("7d")
"""What releases and models change is judged over a week: its budget is back soon."""


def slos(service: str) -> tuple[Slo, ...]:
    """``service`` is the core's; each type of agents is a service of its own."""
    of_core = partial(_slo, ("namespace",), owner="development", service=service)
    of_agents = partial(_slo, ("namespace", "service"), owner="ai-team")
    requests, runs = "progressive_http_requests_total", "progressive_agent_requests_total"
    return (
        # 43 minutes in 30 days.
        of_core("core-availability", "0.999", core(requests), core(requests, 'status_code=~"5.."')),
        # A core that is full and refuses has failed as well. Other 4xx are mistakes of clients.
        of_core("core-errors", "0.999", core(requests), core(requests, 'status_code=~"5..|429"'), window=WEEK),
        # From half a second on people notice that they wait.
        of_core("core-latency", "0.95", *_in_time(core, "progressive_http_request_duration_seconds", '="0.5"')),
        # A request makes several queries: with 100 ms each it can be done in half a second.
        of_core("query-latency", "0.99", *_in_time(core, "progressive_database_query_duration_seconds", '="0.1"')),
        # Models fail more often than servers do: 3.6 hours in 30 days.
        of_agents("agent-availability", "0.995", agent(runs), agent(runs, FAILED)),
        of_agents("agent-errors", "0.99", agent(runs), agent(runs, FAILED), window=WEEK),
        # People wait ten seconds for a plan, and hardly longer.
        of_agents(
            "agent-latency", "0.9", *_in_time(agent, "progressive_agent_response_time_seconds", r'=~"10(\\.0)?"')
        ),
    )


def _in_time(of: Callable[[str, str], str], histogram: str, end: str) -> tuple[str, str, str]:
    """Events, no errors, and good events of a latency objective; ``end`` matches a bucket's."""
    return of(f"{histogram}_count", ""), "", of(f"{histogram}_bucket", f"le{end}")


def _slo(
    by: tuple[str, ...],
    name: str,
    objective: str,
    events: str,
    errors: str,
    good: str = "",
    *,
    owner: str,
    service: str = "",
    window: Duration | None = None,
) -> Slo:
    return Slo(
        name=f"progressive-{name}",
        objective=Decimal(objective),
        window=window or (WEEK if good else USUAL),
        by=by,
        events=rate(events, by),
        errors=rate(errors, by) if errors else "",
        good=rate(good, by) if good else "",
        owner=owner,
        service=service,
        symptom=Symptom.LATENCY if good else Symptom.ERRORS,
    )
