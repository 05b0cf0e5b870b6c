"""The ports that servers of the stack listen on; each server's own default."""

PROMETHEUS = 9090
ALERTMANAGER = 9093
ALERTMANAGER_GOSSIP = 9094
LOKI = 3100
LOKI_GRPC = 9095
LOKI_GOSSIP = 7946
PROMTAIL = 9080
