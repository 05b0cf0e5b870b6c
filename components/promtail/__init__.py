"""Sends the logs of every node's pods to Loki: what it reads (``config``) and what runs it (``component``)."""
