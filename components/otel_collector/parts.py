"""What every collector of the stack is made of, wherever it runs."""

from __future__ import annotations

from typing import Any

from model import yaml_text
from model.quantities import Bytes
from model.settings import LogLevel, Resources

MEBIBYTE = 2**20
QUEUE = "file_storage"

# Of the memory limit. Above it telemetry is refused, and senders retry; so much below it garbage is collected first.
MEMORY_PERCENT, SPIKE_PERCENT = 80, 20
# Who takes telemetry again gets what waited within this time.
LONGEST_PAUSE = "10s"

LIVE = ("/metrics", "metrics")
"""It lives as long as its own metrics answer. Its health also waits for its pipelines: a restart helps none of them."""

APP_LABELS = {"pod.label.name": "app.kubernetes.io/name", "pod.label.app": "app"}
"""Labels by which a pod names its app, the first that is there: the resource attribute that holds it, to the label."""


def text(config: dict[str, Any]) -> str:
    """A configuration as the collector reads it: there, a dollar begins a variable, two are one; none is used."""
    return yaml_text.text(config).replace("$", "$$")


def memory(resources: Resources) -> Bytes:
    """The memory limit, which settings see to."""
    return resources.limits.memory or Bytes(2**30)


def go_memory_limit(resources: Resources) -> str:
    """``GOMEMLIMIT``: garbage is collected harder before anything is refused."""
    return str(memory(resources).count * MEMORY_PERCENT // 100)


def memory_limiter(resources: Resources) -> dict[str, Any]:
    limit = memory(resources).count // MEBIBYTE
    return {
        "check_interval": "1s",
        "limit_mib": limit * MEMORY_PERCENT // 100,
        "spike_limit_mib": limit * SPIKE_PERCENT // 100,
    }


def telemetry(name: str, level: LogLevel, port: int) -> dict[str, Any]:
    """What a collector says of itself."""
    metrics = {
        "host": "0.0.0.0",  # noqa: S104  scraped from outside the pod
        "port": port,
        # Names with unit and ``_total``, as Jaeger, which is made of the same parts, gives them.
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
        "fsync": True,  # on the disk before it is acknowledged: a lost node loses nothing either
        "recreate": True,  # a file torn all the same is put aside, rather than a crash loop
        # What a long queue took of the volume is given back once it is short, by a copy that is as short. One at the
        # start would be as long as the queue, and could fill the volume.
        "compaction": {"on_rebound": True, "directory": directory, "cleanup_on_start": True},
    }


def retry(give_up: str) -> dict[str, Any]:
    return {"initial_interval": "1s", "max_interval": LONGEST_PAUSE, "max_elapsed_time": give_up}
