"""Portainer: stacks, Swarm services, health and restarts of containers, and what they use."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import (
    Dashboard,
    Panel,
    Query,
    Row,
    Visualization,
    alert_stat,
    alert_time_series,
    found,
    variable,
)
from model.datasources import LOKI
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS, HOME
from rules.portainer import alerts
from rules.portainer.scrape import CADVISOR, EXPORTER
from rules.portainer.uids import PORTAINER

_IN = 'cluster=~"$cluster", instance=~"$instance"'
_STACKS = f'{_IN}, stack_name=~"$stack_name"'
_EVENTS = (
    f'{{cluster=~"$cluster", app=~"{EXPORTER}.*"}} |= `"event"` | json | __error__=`` | stack_name=~`$stack_name`'
    " | line_format `{{.message}}`"
)


def _of_stack(what: str) -> str:
    return narrowed(f"max by ({alerts.OF_STACK}) (portainer_stack_{what})", _STACKS)


def _used(title: str, description: str, expr: str, unit: Unit) -> Panel:
    query = Query(expr=narrowed(f"topk(10, sum by (cluster, name) ({expr}))", 'cluster=~"$cluster"'), legend="{{name}}")
    return Panel(title=title, description=description, queries=(query,), unit=unit, needs=CADVISOR)


DASHBOARD = Dashboard(
    uid=PORTAINER,
    title="Portainer Container Management",
    description="Which stack, service or container of Docker hosts and Swarms is down, unhealthy or restarts.",
    tags=("portainer",),
    variables=(
        variable("cluster", "portainer_discovery_last_success_timestamp_seconds", "Cluster"),
        variable("instance", 'portainer_discovery_last_success_timestamp_seconds{cluster=~"$cluster"}', "Portainer"),
        variable("stack_name", f"portainer_stack_status{{{_IN}}}", "Stack"),
    ),
    related=(HOME, ALERTS),
    annotations=(alerts_of("portainer"),),
    rows=(
        Row(
            "What is down?",
            (
                *(
                    alert_stat(alert, title, description, found(alert, chosen))
                    for alert, title, description, chosen in (
                        (
                            alerts.API_DOWN,
                            "Portainers down",
                            "Portainers whose API does not answer. Containers go on; read its log.",
                            _IN,
                        ),
                        (
                            alerts.AGENT_DOWN,
                            "Agents down",
                            "Agents that do not answer `/ping`. Check the host and the agent's container.",
                            _IN,
                        ),
                        (
                            alerts.ENDPOINT_DOWN,
                            "Endpoints down",
                            "Docker hosts that do not answer Portainer. Check the host and its agent.",
                            _IN,
                        ),
                        (
                            alerts.STACK_DOWN,
                            "Stacks down",
                            "Stopped in the last day, or nothing runs. Was it on purpose? Else start it.",
                            _STACKS,
                        ),
                        (
                            alerts.UNHEALTHY,
                            "Unhealthy",
                            "Containers whose health check fails. Read the check's output.",
                            _STACKS,
                        ),
                    )
                ),
                alert_time_series(
                    alerts.STALE,
                    "Age of Portainer's data",
                    "Since all was read. Above the line, what is shown is old: check Portainer's API.",
                    narrowed(alerts.STALE.value, _IN),
                    "{{instance}}",
                ),
            ),
        ),
        Row(
            "Stacks and services",
            (
                Panel(
                    title="Stacks",
                    description="Status 1 is active. Running counts tasks of a Swarm, or containers.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(expr=_of_stack("status"), legend="Status"),
                        Query(expr=_of_stack("running"), legend="Running"),
                        Query(
                            expr=f"time() - ({_of_stack('updated_timestamp_seconds')} > 0)",
                            legend="Age",
                            unit=Unit.SECONDS,
                        ),
                    ),
                    columns=("instance", "endpoint", "stack_name"),
                    width=12,
                ),
                Panel(
                    title="Service replicas",
                    description="Tasks of Swarm services, desired and running.",
                    queries=tuple(
                        Query(
                            expr=narrowed(
                                f"max by ({alerts.OF_SERVICE}) (portainer_service_replicas_{which})", _STACKS
                            ),
                            legend=f"{{{{service}}}} {which}",
                        )
                        for which in ("desired", "running")
                    ),
                    width=12,
                ),
            ),
        ),
        Row(
            "Containers",
            (
                *(
                    Panel(
                        title=f"Containers by {label}",
                        description=description,
                        queries=(
                            Query(
                                expr=narrowed(f"sum by (cluster, {label}) (portainer_container_{label})", _STACKS),
                                legend=f"{{{{{label}}}}}",
                            ),
                        ),
                        stacked=True,
                    )
                    for label, description in (
                        ("state", "As Docker says it; a Swarm's ended tasks are left out."),
                        ("health", "Of containers with a health check."),
                    )
                ),
                alert_time_series(
                    alerts.RESTARTING,
                    "Restarts",
                    "Starts in 15 minutes, by whoever: Docker, Swarm, a person. Read the last lines before each.",
                    narrowed(f"{alerts.STARTS} > 0", _STACKS),
                    "{{container}}",
                ),
                Panel(
                    title="Restarts by Docker",
                    description="Since the container was created, of containers that were.",
                    queries=(
                        Query(
                            expr=narrowed(
                                f"max by ({alerts.OF_CONTAINER}) (portainer_container_restarts) > 0", _STACKS
                            ),
                            legend="{{container}}",
                        ),
                    ),
                ),
                Panel(
                    title="Container events",
                    description="Starts, ends with their exit code, results of health checks, and memory used up, as"
                    " Docker tells them. Newest first.",
                    visualization=Visualization.LOGS,
                    queries=(Query(expr=_EVENTS, datasource=LOKI),),
                    width=16,
                ),
            ),
        ),
        Row(
            "Resources",
            (
                Panel(
                    title="Where these come from",
                    description="cAdvisor on the Docker hosts, which `systems.portainer.cadvisor` lists, measures CPU,"
                    " memory and network. If there are no panels here, it lists none.",
                    visualization=Visualization.TEXT,
                    height=3,
                    width=24,
                ),
                _used(
                    "CPU",
                    "Cores of each container. At its limit it is slow.",
                    "rate(docker_container_cpu_usage_seconds_total[5m])",
                    Unit.NONE,
                ),
                _used(
                    "Memory",
                    "Working set of each container. At its limit it is killed.",
                    "docker_container_memory_working_set_bytes",
                    Unit.BYTES,
                ),
                *(
                    _used(
                        f"Network {which}",
                        "Of all its interfaces.",
                        f"rate(docker_container_network_{which}_bytes_total[5m])",
                        Unit.BYTES_PER_SECOND,
                    )
                    for which in ("receive", "transmit")
                ),
            ),
        ),
    ),
)
