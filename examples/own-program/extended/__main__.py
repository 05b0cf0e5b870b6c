"""The whole stack, and a component of this program that sends to it. ``content/`` has its alert and runbook."""

from pathlib import Path

from agent_observability.components.load import load
from agent_observability.components.stack import deploy
from orders import Orders, OrdersArgs
from pulumi import Config, ResourceOptions, export

settings, secrets = load(Config("agent-observability"), Path(__file__).parent)
stack = deploy(settings, secrets)

Orders(
    "orders",
    OrdersArgs(image="registry.example.com/orders:1.4.2", otlp=stack.urls["otlp"]),
    ResourceOptions(provider=stack.kubernetes),
)
export("urls", stack.urls)
