"""A small platform of agents with the telemetry of docs/agents.md: an example for authors, used by the demo.

``planner`` answers tasks: it calls a model, calls tools over MCP, and asks another agent, ``researcher``, over A2A. A
script replaces the model. Everything else is an author's code: OpenTelemetry's SDK, its instrumentation of the OpenAI
client, and the MCP SDK, which creates its own spans.
"""
