"""Whether the stack is there at all, tried."""

from __future__ import annotations

from rules.monitoring.alerts.targets import (
    CERTIFICATE,
    PROBE_FAILS,
    PROBE_SLOW,
    RESTARTS,
    SERVER_DOWN,
    TARGET_DOWN,
    TARGET_GROWS,
    WATCHDOG,
    WITHOUT_TARGETS,
)
from rules.monitoring.cases.tried import (
    CRITICAL,
    INFO,
    JAEGER,
    LOKI,
    PROMETHEUS,
    WARNING,
    day_then,
    of,
    pod,
    tried,
)

_PROBED = {"job": "probes", "instance": "https://shop.example/"}


def _pool(job: str, targets: str, prometheus: int = 0) -> dict[str, str]:
    return {f"prometheus_target_scrape_pool_targets{of(pod('prometheus', prometheus), scrape_job=job)}": targets}


def _samples(before: int, after: int) -> dict[str, str]:
    shop = {"job": "annotated-pods", "instance": "10.1.0.1:80"}
    return {f"scrape_samples_post_metric_relabeling{of(shop)}": day_then(before, after)}


def _starts(times: int) -> dict[str, str]:
    """A process that starts again every eleven minutes, so many times."""
    return {f"process_start_time_seconds{of(LOKI)}": " ".join(f"{start}x10" for start in range(times)) + " _x60"}


def _probe(success: str, seconds: float) -> dict[str, str]:
    return {
        f"probe_success{of(_PROBED)}": success,
        f"probe_duration_seconds{of(_PROBED)}": f"{seconds}x30",
    }


def _certificate(seconds: int) -> dict[str, str]:
    """One that expires so long after the fifteenth minute."""
    return {f"probe_ssl_earliest_cert_expiry{of(_PROBED)}": f"{900 + seconds}x20"}


_DAY = 86_400

CASES = (
    tried(
        WATCHDOG,
        "everything works",
        {},
        "1m",
        fires=(INFO,),
        says="Always fires. Whoever stops receiving it has lost Prometheus, Alertmanager, or the way between.",
    ),
    tried(
        TARGET_DOWN,
        "a target has not answered for five minutes",
        {f"up{of(PROMETHEUS)}": "0x10"},
        "5m",
        fires=(WARNING,),
        labels=PROMETHEUS,
        says="prometheus at 10.0.0.0:80 does not answer.",
    ),
    tried(
        TARGET_DOWN,
        "a target was away, and is back after four minutes",
        {f"up{of(PROMETHEUS)}": "0x4 1x10"},
        "6m",
    ),
    tried(
        SERVER_DOWN,
        "no replica of Loki answers",
        {f"up{of(LOKI)}": "0x10", f"up{of(pod('loki', 1))}": "0x10"},
        "5m",
        fires=(CRITICAL,),
        labels={"job": "loki"},
        says="No loki answers: what it does is not done.",
    ),
    tried(
        SERVER_DOWN,
        "Jaeger has no pod at all",
        _pool("jaeger", "0x10"),
        "5m",
        fires=(CRITICAL,),
        labels={"job": "jaeger"},
        says="No jaeger answers: what it does is not done.",
    ),
    tried(
        SERVER_DOWN,
        "one replica of two answers, and somebody's own server does not",
        {
            f"up{of(LOKI)}": "0x10",
            f"up{of(pod('loki', 1))}": "1x10",
            f"up{of(pod('shop'))}": "0x10",
            **_pool("loki", "2x10"),
        },
        "8m",
    ),
    tried(
        WITHOUT_TARGETS,
        "a job has found nothing for a quarter of an hour",
        _pool("kubelet", "0x20"),
        "15m",
        fires=(WARNING,),
        labels={"job": "kubelet"},
        says="kubelet has no targets: rules and panels that read it have nothing to say.",
    ),
    tried(
        WITHOUT_TARGETS,
        "one Prometheus has targets, and nobody asks to be scraped",
        {**_pool("kubelet", "0x30"), **_pool("kubelet", "3x30", 1), **_pool("annotated-pods", "0x30")},
        "25m",
    ),
    tried(
        TARGET_GROWS,
        "a target sends three times as much as a day ago",
        _samples(4000, 12000),
        "25h",
        step="5m",
        fires=(WARNING,),
        labels={"job": "annotated-pods"},
        says="The largest target of annotated-pods sends 3 times as much as a day ago.",
        value="3",
    ),
    tried(TARGET_GROWS, "a target has nearly doubled", _samples(4000, 7900), "25h", step="5m"),
    tried(TARGET_GROWS, "a small target has grown tenfold", _samples(400, 4000), "25h", step="5m"),
    tried(
        RESTARTS,
        "Loki has restarted three times",
        _starts(4),
        "40m",
        fires=(WARNING,),
        labels=LOKI,
        says="loki at 10.0.0.0:80 restarted 3 times in an hour.",
        value="3",
    ),
    tried(
        RESTARTS,
        "Jaeger, which only says how long it has run, has restarted three times",
        {f"otelcol_process_uptime_seconds_total{of(JAEGER)}": "0+60x10 0+60x10 0+60x10 0+60x10"},
        "40m",
        fires=(WARNING,),
        labels=JAEGER,
        says="jaeger at 10.0.0.0:80 restarted 3 times in an hour.",
        value="3",
    ),
    tried(RESTARTS, "Loki has been updated twice", _starts(3), "30m"),
    tried(
        PROBE_FAILS,
        "no probe is answered",
        _probe("0x20", 5),
        "10m",
        fires=(CRITICAL, WARNING),
        labels=_PROBED,
        says="https://shop.example/ answers 0% of its probes.",
        value="0%",
    ),
    tried(
        PROBE_FAILS,
        "four probes of ten are not answered",
        _probe("1x5 0x3 1x5 0x3 1x5 0x3", 0.1),
        "20m",
        fires=(WARNING,),
        labels=_PROBED,
        says="https://shop.example/ answers 60% of its probes.",
        value="60%",
    ),
    tried(PROBE_FAILS, "two probes of ten are not answered", _probe("1x7 0x1 1x7 0x1 1x7 0x1", 0.1), "20m"),
    tried(PROBE_FAILS, "the first probe of a new stack was too early", _probe("0 1x20", 0.1), "1m"),
    tried(
        PROBE_SLOW,
        "answers take three seconds",
        _probe("1x30", 3),
        "10m",
        fires=(WARNING,),
        labels=_PROBED,
        says="https://shop.example/ takes 3s to answer.",
        value="3s",
    ),
    tried(PROBE_SLOW, "answers take almost two seconds", _probe("1x30", 1.9), "20m"),
    tried(PROBE_SLOW, "there are no answers", _probe("0x30", 5), "20m"),
    tried(
        CERTIFICATE,
        "two days are left",
        _certificate(2 * _DAY),
        "15m",
        fires=(CRITICAL, WARNING),
        labels={"instance": "https://shop.example/"},
        says="The certificate of https://shop.example/ expires in 2d 0h 0m 0s.",
        value="2d 0h 0m 0s",
    ),
    tried(
        CERTIFICATE,
        "nine days are left",
        _certificate(9 * _DAY),
        "15m",
        fires=(WARNING,),
        labels={"instance": "https://shop.example/"},
        says="The certificate of https://shop.example/ expires in 9d 0h 0m 0s.",
        value="9d 0h 0m 0s",
    ),
    tried(CERTIFICATE, "ten days and a minute are left", _certificate(10 * _DAY + 60), "15m"),
)
