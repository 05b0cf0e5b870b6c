"""Volumes and quotas, tried."""

from __future__ import annotations

from model.rules import Severity
from rules.kubernetes.alerts.capacity import QUOTA, VOLUME_FULL, VOLUME_WILL_FILL
from rules.kubernetes.cases.tried import fires, fires_all, quiet

_CLAIM = 'namespace="shop", persistentvolumeclaim="db-0"'
_ON_NODE = f'{_CLAIM}, node="n-1"'
_OF_CLAIM = {"namespace": "shop", "persistentvolumeclaim": "db-0"}
_BYTES, _INODES = _OF_CLAIM | {"resource": "bytes"}, _OF_CLAIM | {"resource": "inodes"}


def _available(values: str) -> dict[str, str]:
    """Bytes that are left of ten thousand."""
    return {
        f"kubelet_volume_stats_available_bytes{{{_ON_NODE}}}": values,
        f"kubelet_volume_stats_capacity_bytes{{{_ON_NODE}}}": "10000x700",
    }


_MANY_FILES = {
    f"kubelet_volume_stats_inodes_used{{{_ON_NODE}}}": "98x20",
    f"kubelet_volume_stats_inodes{{{_ON_NODE}}}": "100x20",
}


def _quota(used: int) -> dict[str, str]:
    quota = 'namespace="shop", resourcequota="all", resource="requests.cpu"'
    return {
        f'kube_resourcequota{{{quota}, type="used"}}': f"{used}x20",
        f'kube_resourcequota{{{quota}, type="hard"}}': "100x20",
    }


CASES = (
    fires(
        VOLUME_FULL,
        "92 % of its bytes are in use",
        _available("800x20"),
        "5m",
        _BYTES,
        "shop/db-0 has 92% of its bytes in use.",
        "92%",
    ),
    fires_all(
        VOLUME_FULL,
        "98 % of its inodes are in use",
        _MANY_FILES,
        "5m",
        _INODES,
        "shop/db-0 has 98% of its inodes in use.",
        "98%",
    ),
    quiet(VOLUME_FULL, "89 % of its bytes are in use", _available("1100x20"), "9m", Severity.WARNING),
    quiet(
        VOLUME_FULL,
        "its file system has no fixed number of inodes",
        dict.fromkeys(_MANY_FILES, "0x20"),
        "9m",
        Severity.WARNING,
    ),
    quiet(
        VOLUME_FULL,
        "nobody may write to it",
        _MANY_FILES | {f'kube_persistentvolumeclaim_access_mode{{{_CLAIM}, access_mode="ReadOnlyMany"}}': "1x20"},
        "9m",
    ),
    fires(
        VOLUME_WILL_FILL,
        "it grows by 14 % a day and has 61 % in use",
        _available("4500-1x700"),
        "10h",
        _BYTES,
        "shop/db-0 has 61% of its bytes in use, and at the pace of the last six hours all within 4 days.",
        "61%",
    ),
    quiet(VOLUME_WILL_FILL, "it grows by 7 % a day and has 69 % in use", _available("3400-0.5x700"), "10h"),
    quiet(VOLUME_WILL_FILL, "it grows by 14 % a day and has 55 % in use", _available("5100-1x700"), "10h"),
    fires(
        QUOTA,
        "95 of 100 are used",
        _quota(95),
        "15m",
        {"namespace": "shop", "resourcequota": "all", "resource": "requests.cpu"},
        "shop uses 95% of requests.cpu in its quota all.",
        "95%",
    ),
    quiet(QUOTA, "89 of 100 are used", _quota(89), "20m"),
)
