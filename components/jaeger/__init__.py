"""Jaeger, the trace store: its configuration (``config``) and its component (``component``)."""
