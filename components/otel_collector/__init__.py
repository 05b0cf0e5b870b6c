"""The collector, which receives all telemetry: its configuration (``config``) and its component (``component``)."""
