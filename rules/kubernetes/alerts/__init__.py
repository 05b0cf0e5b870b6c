"""Alerts over a Kubernetes cluster, a file per subject, each with the reason of its numbers."""
