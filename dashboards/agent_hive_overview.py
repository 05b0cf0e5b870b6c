"""Agent Hive: whether its programs and agents work, and how coordination, decisions and external APIs do."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from dashboards.annotations import alerts_of, changes
from dashboards.model import (
    COLUMNS,
    STAT,
    Dashboard,
    Panel,
    Query,
    Row,
    Scale,
    Visualization,
    alert_stat,
    found,
    variable,
)
from dashboards.stores import lines, of_alert
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS, HOME
from rules.agent_hive import alerts, contract
from rules.agent_hive.alerts import API, TYPE, UP, quantile, rate
from rules.agent_hive.uids import AGENT_HIVE
from rules.platforms import SERVICE

_IN = 'cluster=~"$cluster", namespace=~"$namespace"'
_lines = partial(lines, chosen=_IN, legend="{{service}}")
_of_alert = partial(of_alert, chosen=_IN, legend="{{service}}")
_TYPE, _API, _MODEL, _COMPONENT = ("{{agent_type}}", "{{api}}", "{{model_type}}", "{{component}}")
_CPU = f"max by ({SERVICE}, component) ({contract.CPU.name})"

DASHBOARD = Dashboard(
    uid=AGENT_HIVE,
    title="Agent Hive",
    description="Which program of Agent Hive is down, and what its agents, decisions and external APIs do.",
    tags=("agent_hive",),
    variables=(
        variable("cluster", UP, "Cluster"),
        variable("namespace", f'{UP}{{cluster=~"$cluster"}}', "Namespace"),
    ),
    related=(HOME, ALERTS),
    annotations=(alerts_of("agent_hive"), *changes('cluster=~"$cluster", namespace=~"$namespace"')),
    rows=(
        Row(
            "Does it work?",
            (
                Panel(
                    title="Programs",
                    description="1 if a pod answers, 0 if none does: read its last lines.",
                    visualization=Visualization.STAT,
                    queries=(Query(expr=narrowed(UP, _IN), legend="{{service}}"),),
                    alert=alerts.DOWN.name,
                    width=COLUMNS - STAT,
                    height=4,
                ),
                alert_stat(
                    alerts.STUCK,
                    "Tasks stuck",
                    "1 if tasks wait, and none ends. Check the agents, then the queue.",
                    found(alerts.STUCK, _IN),
                ),
            ),
        ),
        Row(
            "Agents and tasks",
            (
                _lines(
                    "Waiting tasks",
                    "Tasks in the queue. If it grows, agents are too few or stuck: look at the agents by state.",
                    f"max by ({SERVICE}) ({contract.QUEUE.name})",
                ),
                _of_alert(
                    alerts.FEW_AGENTS,
                    "Agents",
                    "Those that work or wait for work. Below the line, tasks wait: start more.",
                ),
                _lines(
                    "Agents by state",
                    "Agents of each type by state. Many in error: read their log lines.",
                    f"sum by ({TYPE}, status) ({contract.AGENTS.name})",
                    legend="{{agent_type}}, {{status}}",
                ),
                _lines(
                    "Tasks per second",
                    "Ended tasks by type and result. At 0 with waiting tasks, nothing is processed.",
                    rate(contract.TASKS.name, f"{TYPE}, status"),
                    legend="{{agent_type}}, {{status}}",
                    unit=Unit.PER_SECOND,
                ),
                _of_alert(
                    alerts.FAILING,
                    "Failed tasks",
                    "Share of ended tasks that failed. If one type fails, check its agents; if all, an external API.",
                    legend=_TYPE,
                ),
            ),
        ),
        Row(
            "Coordination, decisions and models",
            (
                Panel(
                    title="Coordination time",
                    description="p50, p95 and p99; the alert is on p95. If p99 rises alone, check the external APIs.",
                    queries=tuple(
                        Query(
                            expr=narrowed(quantile(share, contract.COORDINATION.name, SERVICE), _IN),
                            legend=f"{{{{service}}}}, p{share * 100:g}",
                        )
                        for share in (0.5, 0.95, 0.99)
                    ),
                    unit=Unit.SECONDS,
                    alert=alerts.SLOW.name,
                ),
                _of_alert(
                    alerts.UNSURE,
                    "Confidence",
                    "Mean of the decisions in a quarter of an hour. Below the line, check the model's input.",
                ),
                replace(
                    _lines(
                        "Low-confidence decisions",
                        "Share with a confidence of at most 0.5.",
                        f"{rate(f'{contract.CONFIDENCE.name}_bucket', SERVICE, le='0.5')}"
                        f" / {rate(f'{contract.CONFIDENCE.name}_count', SERVICE)}",
                        unit=Unit.RATIO,
                    ),
                    scale=Scale.SMALL,
                ),
                _of_alert(
                    alerts.INACCURATE,
                    "Accuracy",
                    "Accuracy of each model. Below the line, retrain it or go back to the version before.",
                    legend=_MODEL,
                ),
                _of_alert(
                    alerts.WORSE,
                    "Accuracy lost",
                    "Accuracy below the mean of a week. A step is a new model or new data.",
                    legend=_MODEL,
                ),
            ),
        ),
        Row(
            "External APIs",
            (
                _of_alert(
                    alerts.API_SLOW,
                    "Latency p95",
                    "One request in twenty takes longer. Above the line, check the API's status.",
                    legend=_API,
                ),
                _of_alert(
                    alerts.API_FAILING,
                    "Failed requests",
                    "Errors, timeouts and refusals of each API. Check the API's status, then its quota.",
                    legend=_API,
                ),
                _lines(
                    "Requests per second",
                    "Requests to each API. A sudden rise is often a loop of retries.",
                    rate(contract.API_REQUESTS.name, API),
                    legend=_API,
                    unit=Unit.PER_SECOND,
                ),
            ),
        ),
        Row(
            "Resources",
            (
                replace(
                    _lines(
                        "Utilisation",
                        "As the program measures it: in a container, that of the node.",
                        f"max by ({SERVICE}, resource_type) ({contract.UTILISATION.name}) / 100",
                        legend="{{resource_type}}",
                        unit=Unit.RATIO,
                    ),
                    width=6,
                ),
                replace(
                    _lines(
                        "Memory",
                        "Memory of each component. A steady rise is a leak.",
                        f"sum by ({SERVICE}, component) ({contract.MEMORY.name})",
                        legend=_COMPONENT,
                        unit=Unit.BYTES,
                    ),
                    width=6,
                ),
                Panel(
                    title="Processor in the last hour",
                    description="Use of the processor by component. Near 100 % it is the bottleneck.",
                    visualization=Visualization.TABLE,
                    queries=tuple(
                        Query(expr=narrowed(f"{of}_over_time({_CPU}[1h:1m]) / 100", _IN), legend=title)
                        for of, title in (("avg", "Mean"), ("max", "Highest"), ("min", "Lowest"))
                    ),
                    unit=Unit.RATIO,
                    columns=("service", "component"),
                    width=12,
                ),
            ),
        ),
    ),
)
