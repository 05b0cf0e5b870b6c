"""Eliza: its API and agents, and beside them Portainer's containers and Supabase, where these systems are on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from dashboards.annotations import alerts_of
from dashboards.model import Annotation, Dashboard, Panel, Query, Row, Visualization, variable
from dashboards.stores import lines, of_alert
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert, Severity
from model.uids import ALERTS, HOME
from rules.eliza import alerts, contract
from rules.eliza.alerts import AGENT, UP
from rules.eliza.contract import AGENTS, API
from rules.eliza.uids import ELIZA
from rules.kubernetes.recordings import CPU_OF_WORKLOADS, MEMORY_OF_WORKLOADS
from rules.portainer.scrape import EXPORTER
from rules.portainer.uids import PORTAINER
from rules.supabase import alerts as supabase
from rules.supabase.uids import SUPABASE

_IN = 'cluster=~"$cluster"'
_lines = partial(lines, chosen=_IN)
_AGENT = "{{agent_name}}"
_AGENTS = (
    f'label_replace(group by (cluster, namespace, service) (up{{job="{AGENTS.job}"}}), "workload", "$1", "service",'
    ' "(.+)")'
)
_STACK = "cluster, instance, endpoint, stack_name"


def _of(*asked: tuple[str, str]) -> tuple[Query, ...]:
    """Queries with their legends, of systems that may be off."""
    return tuple(Query(expr=narrowed(expr, _IN), legend=legend, optional=True) for expr, legend in asked)


def _others(title: str, description: str, *asked: tuple[str, str], unit: Unit = Unit.NONE) -> Panel:
    return Panel(title=title, description=description, queries=_of(*asked), unit=unit)


def _if_there(alert: Alert, title: str, description: str) -> Panel:
    """An alert's value, if the stack has the alert."""
    queries = (Query(of_alert=_IN, legend="{{instance}}"),)
    return Panel(title=title, description=description, queries=queries, unit=alert.unit, alert=alert.name)


def _of_agents(title: str, description: str, recording: str, unit: Unit = Unit.NONE) -> Panel:
    expr = f"sum by (cluster, namespace, workload) ({recording}) and on (cluster, namespace, workload) {_AGENTS}"
    queries = (Query(expr=narrowed(expr, _IN), legend="{{workload}}"),)
    return Panel(title=title, description=description, queries=queries, unit=unit, needs="cadvisor")


DASHBOARD = Dashboard(
    uid=ELIZA,
    title="Multi-Agent Infrastructure",
    description="Whether the API, the agents, Portainer's containers and Supabase work, on one page.",
    tags=("eliza",),
    variables=(variable("cluster", UP, "Cluster"),),
    related=(HOME, ALERTS, PORTAINER, SUPABASE),
    annotations=(
        alerts_of("eliza", "portainer", "supabase"),
        Annotation(
            name="Container starts",
            expr=narrowed(
                "max by (stack_name, container) (changes(portainer_container_started_timestamp_seconds[5m]) > 0)", _IN
            ),
            text="{{stack_name}}: {{container}}",
            severity=Severity.INFO,
            needs=EXPORTER,
        ),
    ),
    rows=(
        Row(
            "Does it work?",
            (
                Panel(
                    title="Parts",
                    description="1 if the part answers, 0 if not. Agents: 1 if all are healthy.",
                    visualization=Visualization.STAT,
                    queries=(
                        Query(expr=narrowed(f"min by (cluster) ({UP})", _IN), legend="API"),
                        Query(expr=narrowed(f"min by (cluster) ({alerts.UNHEALTHY.value})", _IN), legend="Agents"),
                        *_of(
                            ("min by (cluster, instance) (portainer_up)", "Portainer {{instance}}"),
                            ("min by (cluster, instance) (supabase_pg_up)", "Supabase {{instance}}"),
                        ),
                    ),
                    alert=alerts.DOWN.name,
                    width=24,
                    height=4,
                ),
            ),
        ),
        Row(
            "API",
            (
                _lines(
                    "API Request Rate",
                    "By method and status. Latency and errors by route are on the dashboards of services.",
                    f'sum by (method, status) (rate({contract.REQUESTS.name}{{job="{API.job}"}}[5m]))',
                    "{{method}} {{status}}",
                    Unit.PER_SECOND,
                ),
                _lines(
                    "Agents by deployment status",
                    "Of the last deployment of each agent.",
                    f"sum by (status) (max by (cluster, agent_id, status)"
                    f' ({contract.DEPLOYMENT.name}{{job="{API.job}"}}))',
                    "{{status}}",
                ),
                of_alert(
                    alerts.DEPLOYMENT_FAILED,
                    "Failed deployments",
                    "1 while a deployment has failed. Read the agent's log lines, then deploy it again.",
                    _AGENT,
                    _IN,
                ),
            ),
        ),
        Row(
            "Agents",
            (
                Panel(
                    title="Agent Health",
                    description="1 is healthy. 0 is an agent that does not answer, or whose health check fails.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(expr=narrowed(alerts.UNHEALTHY.value, _IN), legend="Healthy"),
                        Query(
                            expr=narrowed(f'count by ({AGENT}) (up{{job="{AGENTS.job}"}})', _IN),
                            legend="Pods",
                        ),
                    ),
                    columns=("namespace", "agent_id", "agent_name"),
                    ascending=True,
                    width=12,
                ),
                replace(
                    _of_agents(
                        "Agents' CPU",
                        "Cores of each agent's pods. At its limit an agent answers late.",
                        CPU_OF_WORKLOADS,
                    ),
                    width=6,
                ),
                replace(
                    _of_agents("Agents' memory", "Working set of each agent's pods.", MEMORY_OF_WORKLOADS, Unit.BYTES),
                    width=6,
                ),
            ),
        ),
        Row(
            "Containers of Portainer",
            (
                _others(
                    "Container Status",
                    "Containers by Docker's state and by health.",
                    ("sum by (state) (portainer_container_state)", "{{state}}"),
                    ("sum by (health) (portainer_container_health)", "{{health}}"),
                ),
                Panel(
                    title="Portainer Stack Status",
                    description="Status 1 is active. Running counts tasks of a Swarm, or containers.",
                    visualization=Visualization.TABLE,
                    queries=_of(
                        (f"max by ({_STACK}) (portainer_stack_status)", "Status"),
                        (f"max by ({_STACK}) (portainer_stack_running)", "Running"),
                    ),
                    columns=("instance", "endpoint", "stack_name"),
                ),
                _others(
                    "Containers' CPU",
                    "Cores, of the ten that use the most.",
                    ("topk(10, sum by (name) (rate(docker_container_cpu_usage_seconds_total[5m])))", "{{name}}"),
                ),
                _others(
                    "Containers' memory",
                    "Working set, of the ten that use the most.",
                    ("topk(10, sum by (name) (docker_container_memory_working_set_bytes))", "{{name}}"),
                    unit=Unit.BYTES,
                ),
            ),
        ),
        Row(
            "Supabase",
            (
                _others(
                    "Database Connections",
                    "By state, of servers that the system `postgres` watches, and all of each hosted project.",
                    ('sum by (state) (pg_stat_activity_count{backend_type="client backend"})', "{{state}}"),
                    ("sum by (instance) (supabase_pg_stat_database_num_backends)", "{{instance}}"),
                ),
                _if_there(
                    supabase.HIGH_CONNECTIONS,
                    "Connections in use",
                    "Share of all that the database takes. At 1 new ones fail: use the pooler.",
                ),
                _others(
                    "Real-time Subscriptions",
                    "Subscriptions or clients of each project. A sudden fall is a lost connection.",
                    (supabase.REALTIME.name, "{{instance}}"),
                ),
                _others(
                    "Database Query Performance",
                    "Mean time of a statement in half an hour.",
                    (supabase.STATEMENT.name, "{{instance}}"),
                    unit=Unit.SECONDS,
                ),
            ),
        ),
    ),
)
