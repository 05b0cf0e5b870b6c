"""Alertmanager: its configuration (``config``) and its component (``component``)."""
