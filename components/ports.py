"""The ports that servers of the stack listen on; each server's own default."""

PROMETHEUS = 9090
ALERTMANAGER = 9093
ALERTMANAGER_GOSSIP = 9094
GRAFANA = 3000
GRAFANA_GOSSIP = 9094
