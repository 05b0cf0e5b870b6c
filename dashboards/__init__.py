"""What people look at in Grafana."""
