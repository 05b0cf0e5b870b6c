"""Objectives of all agents together, as the stack file sets them."""

from __future__ import annotations

from collections.abc import Iterator

from model.rules import decimal
from model.slo import BY, EVERY, Slo, events_of_gauge
from rules.agents.cost import COST_PER_RUN, RUN_COST_WINDOW, SUCCEEDED
from rules.agents.promql import PLACE, at_present, counted, fraction_at_present
from rules.agents.recordings import RUN_BUCKETS, RUNS, TOOL_CALLS
from rules.agents.settings import Objectives

# Runs in a burn's long window. Few runs per hour are normal. At 99 % the fast burn alert then needs three failures.
MINIMUM_RUNS = 20
# Minutes. The cost is an average over an hour; this is half of it.
MINIMUM_MINUTES = 30


def slos(objectives: Objectives) -> Iterator[Slo]:
    if objectives.availability:
        yield Slo(
            name="agent-runs",
            objective=objectives.availability.ratio,
            events=f"sum by ({BY}) ({RUNS})",
            errors=f'sum by ({BY}) ({RUNS}{{error_type!=""}})',
            minimum_events=MINIMUM_RUNS,
        )
    if objectives.latency:
        seconds = f"{objectives.latency.at_most.seconds:g}"
        runs = at_present(RUN_BUCKETS, PLACE)
        # For each agent first: generations have different buckets, and their sum would have no meaning.
        in_time = fraction_at_present("0", seconds, RUN_BUCKETS, PLACE)
        yield Slo(
            name="agent-latency",
            objective=objectives.latency.objective.ratio,
            events=f"sum by ({BY}) ({runs})",
            # The comparison drops the NaN of an idle agent, which would make the whole sum NaN.
            errors=f"sum by ({BY}) ({runs} * (1 - {in_time}) > 0)",
            minimum_events=MINIMUM_RUNS,
        )
    if objectives.tool_success:
        yield Slo(
            name="agent-tools",
            objective=objectives.tool_success.ratio,
            events=f"sum by ({BY}) ({TOOL_CALLS})",
            errors=f'sum by ({BY}) ({TOOL_CALLS}{{error_type!=""}})',
            minimum_events=MINIMUM_RUNS,
        )
    if objectives.cost_per_run:
        dear = f"{COST_PER_RUN} > {decimal(objectives.cost_per_run.at_most.amount)}"
        yield Slo(
            name="agent-cost",
            objective=objectives.cost_per_run.objective.ratio,
            # Without a successful run within the hour there is nothing to judge. That is no lack of data.
            events=f"({events_of_gauge(COST_PER_RUN)} or {counted(SUCCEEDED, BY, RUN_COST_WINDOW)} == 0)",
            errors=events_of_gauge(dear),
            span=EVERY,
            minimum_events=MINIMUM_MINUTES,
        )
