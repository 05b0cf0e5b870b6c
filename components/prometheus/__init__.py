"""The metrics server: what it reads (``config``) and what runs it (``component``)."""
