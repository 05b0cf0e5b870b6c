"""Alerts, recording rules and scrape jobs as data, a package per system. Nothing here imports Pulumi."""
