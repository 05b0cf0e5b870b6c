"""Every image of the stack with its tested version: servers here, exporters with their systems.

The tests run the servers from these images, or compiled from their Go modules (``tools/servers``). If the module
registry lags behind the released images, ``tested`` names the version that was run, and ``why``. Then the configuration
is valid for both.
"""

from __future__ import annotations

from dataclasses import replace

from model.images import pinned
from rules.systems import example

# Distroless variants if they exist: they have no shell and nothing else to exploit.
PROMETHEUS = pinned(
    "quay.io/prometheus/prometheus:v3.15.0-distroless",
    uid=65532,
    binaries={"prometheus": "/bin/prometheus", "promtool": "/bin/promtool"},
)
ALERTMANAGER = pinned(
    "quay.io/prometheus/alertmanager:v0.34.2",
    uid=65534,
    binaries={"alertmanager": "/bin/alertmanager", "amtool": "/bin/amtool"},
    tested="0.31.1",
    why="later modules embed a web page that their archive leaves out; 0.32 to 0.34.2 change nothing configured here",
)
# The distribution for Kubernetes has every component that is configured here. Core lacks most, contrib has hundreds
# more.
OTEL_COLLECTOR = pinned(
    "docker.io/otel/opentelemetry-collector-k8s:0.160.0",
    uid=10001,
    binaries={"otel-collector": "/otelcol-k8s"},
)
GRAFANA = pinned(
    "docker.io/grafana/grafana:13.2.3-distroless",
    uid=472,
    binaries={"grafana": "/usr/share/grafana/bin/grafana"},
    tested="",
    why="no Grafana can be compiled here: 13.2.3 is the newest patched release that is known to run without a shell "
    "and on a read-only root; its configuration is checked against the keys that Grafana documents",
)
JAEGER = pinned(
    "quay.io/jaegertracing/jaeger:2.20.0",
    uid=10001,
    binaries={"jaeger": "/cmd/jaeger/jaeger-linux"},
    tested="2.13.0",
    why="no later module exists; 2.14 to 2.20.0 drop Jaeger 1 and rename index rotation keys, which are not set here",
)
# No module of these two is compiled here, so the tested version is written down: another tag needs another look.
LOKI = pinned(
    "docker.io/grafana/loki:3.7.8",
    uid=10001,
    binaries={"loki": "/usr/bin/loki"},
    tested="3.7.7",
    why="the binary that the tests last ran is one patch release older than 3.7.8",
)
# The kubelet writes pods' logs as 0640 root, so the reader runs as root, without any capability.
PROMTAIL = pinned("docker.io/grafana/promtail:3.6.4", uid=0, binaries={"promtail": "/usr/bin/promtail"}, tested="3.6.4")
OTEL_AGENT = replace(OTEL_COLLECTOR, uid=0)

SERVERS = {
    "prometheus": PROMETHEUS,
    "alertmanager": ALERTMANAGER,
    "grafana": GRAFANA,
    "otel-collector": OTEL_COLLECTOR,
    "jaeger": JAEGER,
    "loki": LOKI,
    "promtail": PROMTAIL,
}
ALL = {**SERVERS, **{exporter.name: exporter.image for exporter in example().exporters}}
"""Both are keyed by the server's name in the stack and under ``tools/servers``."""
