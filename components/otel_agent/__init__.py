"""Sends the logs of every node's pods to the collector: what it reads (``config``) and what runs it (``component``)."""
