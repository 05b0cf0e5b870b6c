"""What the API and the agents of Eliza emit."""

from __future__ import annotations

from model.contract import Contract, Emitted, Label, Part
from model.logs import LogField
from model.metrics import Kind

DEPLOYING, RUNNING, STOPPED, FAILED = "deploying", "running", "stopped", "failed"

REQUESTS = Emitted(
    name="http_requests_total",
    kind=Kind.COUNTER,
    meaning="Requests that were answered. The system `services` counts them too.",
    labels=(
        Label(
            name="method", meaning="HTTP method", values=("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
        ),
        Label(name="status", meaning="status of the answer, such as `200`", most=30),
    ),
)
DEPLOYMENT = Emitted(
    name="agent_deployment_status",
    kind=Kind.GAUGE,
    meaning="1 for the status of an agent's last deployment, 0 for the others. Without series once it is deleted.",
    labels=(
        Label(name="agent_id", meaning="id of the agent, that of its pods' label `agent_id`", most=100),
        Label(name="agent_name", meaning="name of the agent, that of its Deployment", most=100),
        Label(
            name="status",
            meaning="`failed` is final; a new try is `deploying`",
            values=(DEPLOYING, RUNNING, STOPPED, FAILED),
        ),
    ),
)
HEALTH = Emitted(
    name="agent_health_status",
    kind=Kind.GAUGE,
    meaning="1 if the agent's own health check passes, 0 if it fails. Its name and id are labels of the pod.",
    optional=True,  # without it, an agent that answers counts as healthy
)

API = Part(
    job="api-servers",
    what="The API, which deploys agents. Each pod behind its Service is a target.",
    emits=(REQUESTS, DEPLOYMENT),
)
AGENTS = Part(
    job="eliza-agents",
    what="The agents. Each of their pods is a target, with the labels `agent_id` and `agent_name`.",
    emits=(HEALTH,),
)
LOG_FIELDS = (
    LogField(name="event", meaning="`agent_deployed`, `agent_failed`, `agent_unhealthy` and others"),
    LogField(name="agent_id", meaning="the agent"),
    LogField(name="agent_name", meaning="its name"),
)
CONTRACT = Contract((API, AGENTS), LOG_FIELDS)
