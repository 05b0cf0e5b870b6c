"""The log store: what it reads (``config``) and what runs it (``component``)."""
