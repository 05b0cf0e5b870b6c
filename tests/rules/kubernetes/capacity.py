"""Volumes and quotas, by example."""

from __future__ import annotations

from rules.kubernetes.alerts.capacity import CLAIM_LOST, QUOTA, VOLUME_FULL, VOLUME_WILL_FILL
from tests.rules.examples import Series, critical, example, gauges, info, metric, steady, warning

_CLAIM = {"namespace": "shop", "persistentvolumeclaim": "db-0"}
_ON_NODE = _CLAIM | {"node": "n-1"}
_BYTES, _INODES = _CLAIM | {"resource": "bytes"}, _CLAIM | {"resource": "inodes"}


def _available(values: str) -> Series:
    """Bytes that are left of ten thousand."""
    return {
        metric("kubelet_volume_stats_available_bytes", _ON_NODE): values,
        metric("kubelet_volume_stats_capacity_bytes", _ON_NODE): "10000x700",
    }


_LOST = metric("kube_persistentvolumeclaim_status_phase", _CLAIM, phase="Lost")

_RAW = gauges(
    {
        metric("kubelet_volume_stats_available_bytes", _ON_NODE): 0,
        metric("kubelet_volume_stats_used_bytes", _ON_NODE): 0,
        metric("kubelet_volume_stats_capacity_bytes", _ON_NODE): 10 * 2**30,
    },
    20,
)
_MANY_FILES = gauges(
    {metric("kubelet_volume_stats_inodes_used", _ON_NODE): 98, metric("kubelet_volume_stats_inodes", _ON_NODE): 100}, 20
)


def _quota(used: int) -> Series:
    quota = {"namespace": "shop", "resourcequota": "all", "resource": "requests.cpu"}
    return gauges(
        {metric("kube_resourcequota", quota, type="used"): used, metric("kube_resourcequota", quota, type="hard"): 100},
        20,
    )


EXAMPLES = (
    example(
        "92 % of its bytes are in use",
        VOLUME_FULL,
        series=_available("800x20"),
        at="5m",
        fires=[warning("shop/db-0 has 92% of its bytes in use.", "92%", **_BYTES)],
    ),
    example(
        "98 % of its inodes are in use",
        VOLUME_FULL,
        series=_MANY_FILES,
        at="5m",
        fires=[critical("shop/db-0 has 98% of its inodes in use.", "98%", **_INODES)],
    ),
    example("it is a raw block volume, of which the kubelet knows only the size", VOLUME_FULL, series=_RAW, at="9m"),
    example(
        "nothing is left of it",
        VOLUME_FULL,
        series=_RAW | {metric("kubelet_volume_stats_used_bytes", _ON_NODE): steady(10 * 2**30, 20)},
        at="5m",
        fires=[critical("shop/db-0 has 100% of its bytes in use.", "100%", **_BYTES)],
    ),
    example("89 % of its bytes are in use", VOLUME_FULL, series=_available("1100x20"), at="9m"),
    example(
        "its file system has no fixed number of inodes", VOLUME_FULL, series=dict.fromkeys(_MANY_FILES, "0x20"), at="9m"
    ),
    example(
        "nobody may write to it",
        VOLUME_FULL,
        series=_MANY_FILES
        | {metric("kube_persistentvolumeclaim_access_mode", _CLAIM, access_mode="ReadOnlyMany"): "1x20"},
        at="9m",
    ),
    example(
        "it grows by 14 % a day and has 61 % in use",
        VOLUME_WILL_FILL,
        series=_available("4500-1x700"),
        at="561m",
        fires=[
            warning(
                "shop/db-0 has 60.61% of its bytes in use, and at the rate of the last six hours is full in 4 days.",
                "60.61%",
                **_BYTES,
            )
        ],
    ),
    example("it grows by 7 % a day and has 69 % in use", VOLUME_WILL_FILL, series=_available("3400-0.5x700"), at="10h"),
    example("it grows by 14 % a day and has 55 % in use", VOLUME_WILL_FILL, series=_available("5100-1x700"), at="10h"),
    example(
        "its volume was deleted",
        CLAIM_LOST,
        series={_LOST: "0x10 1x10"},
        at="16m",
        fires=[warning("The volume of shop/db-0 no longer exists.", **_CLAIM)],
    ),
    example("it is bound", CLAIM_LOST, series={_LOST: "0x20"}, at="20m"),
    example(
        "its volume was deleted a day ago, and nobody minds", CLAIM_LOST, series={_LOST: "1x320"}, at="1500m", step="5m"
    ),
    example(
        "95 of 100 are used",
        QUOTA,
        series=_quota(95),
        at="15m",
        fires=[
            info(
                "shop uses 95% of requests.cpu in its quota all.",
                "95%",
                namespace="shop",
                resourcequota="all",
                resource="requests.cpu",
            )
        ],
    ),
    example("89 of 100 are used", QUOTA, series=_quota(89), at="20m"),
)
