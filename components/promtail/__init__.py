"""Promtail, the log collector on every node: its configuration (``config``) and its component (``component``)."""
