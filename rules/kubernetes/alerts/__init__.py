"""Alerts on a Kubernetes cluster, a file per subject; comments give the reason for each number."""
