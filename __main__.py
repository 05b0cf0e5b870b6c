"""The program of a stack: its file and its secrets in, components and addresses out."""

from pathlib import Path

from pulumi import Config, export

from components.load import load
from components.stack import deploy

settings, secrets = load(Config(), Path(__file__).parent)
stack = deploy(settings, secrets)

export("namespaces", {"stack": stack.site.namespace, "nodeAgents": stack.node_agents})
export("urls", stack.urls)
