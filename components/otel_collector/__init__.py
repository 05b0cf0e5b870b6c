"""The one address for telemetry: what the collector reads (``config``) and what runs it (``component``)."""
