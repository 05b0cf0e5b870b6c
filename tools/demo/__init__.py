"""The whole stack on this machine, with agents, an outage and its notifications."""
