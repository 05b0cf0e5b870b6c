"""Every rule of the catalogue by example: a module per system, in the one vocabulary of `examples`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.settings.quantities import Duration
from rules.agents import cases as agents
from rules.cases import Case, GrafanaCase, Value
from tests.rules import kubernetes, logs, monitoring, nodes, slos
from tests.rules.examples import Example, Firing, Lines, of


def _translated(of_system: Iterable[Case | Value | GrafanaCase]) -> tuple[Example, ...]:
    """Cases beside the rules, which are still to be written as examples."""
    return tuple(_example(each) for each in of_system)


def _example(case: Case | Value | GrafanaCase) -> Example:
    if isinstance(case, Value):
        return Example(
            when=case.when,
            rule=case.of,
            group=case.group,
            series=dict(case.series),
            at=case.at,
            step=case.step,
            gives=case.results,
        )
    firing = (Firing(each.severity, each.description, each.value, dict(each.labels)) for each in case.firing)
    grafana = isinstance(case, GrafanaCase)
    lines = case.lines if isinstance(case, GrafanaCase) else ()
    measured = {} if not isinstance(case, GrafanaCase) or case.value is None else {of(dict(case.subject)): case.value}
    return Example(
        when=case.when,
        rule=case.alert,
        grafana=grafana,
        series=dict(case.series),
        lines=tuple(Lines(labels=dict(each.labels), text=each.text, times=each.times, ago=each.ago) for each in lines),
        at=case.at,
        step=Duration.parse("1m") if isinstance(case, GrafanaCase) else case.step,
        firing=tuple(firing),
        quiet=case.quiet,
        gives=measured if grafana else None,
    )


EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "kubernetes": kubernetes.EXAMPLES,
    "nodes": nodes.EXAMPLES,
    "agents": _translated((*agents.CASES, *agents.VALUES)),
    "logs": logs.EXAMPLES,
    "monitoring": monitoring.EXAMPLES,
    "slos": slos.EXAMPLES,
}
"""By system: everything that its alerts and recording rules are tried with."""
