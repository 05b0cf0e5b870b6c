"""A small platform of agents, instrumented as docs/agents.md asks: an example for authors, and what the demo runs.

``planner`` answers tasks: it asks a model, looks things up with tools over MCP, and asks another agent, ``researcher``,
over A2A. The model is a stand-in. Everything else is what an author would write: OpenTelemetry's SDK, its
instrumentation of the OpenAI client, and the MCP SDK, which makes its own spans.
"""
