"""Parts of the configuration that all collectors of the stack have in common."""

from __future__ import annotations

from typing import Any

from model import yaml_text
from model.quantities import Bytes
from model.settings import LogLevel, Resources

MEBIBYTE = 2**20
FOLDER = "/etc/otel-collector/config"
"""The files of the stack's collector."""
QUEUE = "file_storage"

# Share of the memory limit. Above it the collector refuses telemetry, and senders retry. Garbage collection starts
# earlier.
MEMORY_PERCENT, SPIKE_PERCENT = 80, 20
# Maximum interval of retries: after a receiver is back, waiting telemetry arrives within this time.
LONGEST_PAUSE = "10s"

LIVE = ("/metrics", "metrics")
"""Liveness: the collector's own metrics answer. Its health depends on its pipelines too, and a restart repairs none of
them."""

APP_LABELS = {"pod.label.name": "app.kubernetes.io/name", "pod.label.app": "app"}
"""Labels that name a pod's app, in order of priority: resource attribute to label."""


_INCLUDED = "${file:"


def included(file: str) -> Any:
    """A value that the collector reads from another of its files, as what stands several times in its configuration."""
    return f"{_INCLUDED}{FOLDER}/{file}}}"


def text(config: Any) -> str:
    """The configuration as YAML; a text stays as it is. For the collector, a dollar starts a variable, and two are one
    dollar. The only variables are files that are included.
    """
    plain = config if isinstance(config, str) else yaml_text.text(config)
    return plain.replace("$", "$$").replace(f"${_INCLUDED}", _INCLUDED)


def memory(resources: Resources) -> Bytes:
    """The memory limit, which the settings require."""
    return resources.limits.memory or Bytes(2**30)


def go_memory_limit(resources: Resources) -> str:
    """``GOMEMLIMIT``: garbage collection works harder before telemetry is refused."""
    return str(memory(resources).count * MEMORY_PERCENT // 100)


def memory_limiter(resources: Resources) -> dict[str, Any]:
    limit = memory(resources).count // MEBIBYTE
    return {
        "check_interval": "1s",
        "limit_mib": limit * MEMORY_PERCENT // 100,
        "spike_limit_mib": limit * SPIKE_PERCENT // 100,
    }


def telemetry(name: str, level: LogLevel, port: int) -> dict[str, Any]:
    """The collector's own metrics and logs."""
    metrics = {
        "host": "0.0.0.0",  # noqa: S104  scraped from outside the pod
        "port": port,
        # Names with unit and ``_total``, as in Jaeger, which uses the same library.
        "without_units": False,
        "without_type_suffix": False,
    }
    return {
        "resource": {"attributes": [{"name": "service.name", "value": name}]},
        "metrics": {"readers": [{"pull": {"exporter": {"prometheus": metrics}}}]},
        "logs": {"level": level, "encoding": "json"},
    }


def file_storage(data: str) -> dict[str, Any]:
    directory = f"{data}/queue"
    return {
        "directory": directory,
        "create_directory": True,
        "fsync": True,  # synced before it is acknowledged, so that a lost node loses nothing
        "recreate": True,  # a corrupt file is moved away, instead of a crash loop
        # Space of a long queue is freed once the queue is short, by a copy of the short queue. Compaction at the start
        # would copy the long queue, which could fill the volume.
        "compaction": {"on_rebound": True, "directory": directory, "cleanup_on_start": True},
    }


def retry(give_up: str) -> dict[str, Any]:
    return {"initial_interval": "1s", "max_interval": LONGEST_PAUSE, "max_elapsed_time": give_up}
