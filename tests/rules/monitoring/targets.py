"""Whether the stack is there at all, by example."""

from __future__ import annotations

from rules.monitoring.alerts.targets import (
    CERTIFICATE,
    OUTDATED,
    PROBE_FAILS,
    PROBE_SLOW,
    RESTARTS,
    SERVER_DOWN,
    TARGET_DOWN,
    TARGET_GROWS,
    WATCHDOG,
    WITHOUT_TARGETS,
)
from tests.rules.examples import Series, critical, day_then, example, gauges, info, metric, steady, warning
from tests.rules.monitoring.subjects import JAEGER, LOKI, PROMETHEUS, pod

_PROBED = {"job": "probes", "instance": "https://shop.example/"}


def _pool(job: str, targets: str, prometheus: int = 0) -> Series:
    return {metric("prometheus_target_scrape_pool_targets", pod("prometheus", prometheus), scrape_job=job): targets}


def _failures(job: str) -> str:
    return metric("prometheus_sd_refresh_failures_total", PROMETHEUS, mechanism="http", config=job)


def _samples(before: int, after: int) -> Series:
    shop = {"job": "annotated-pods", "instance": "10.1.0.1:80"}
    return {metric("scrape_samples_post_metric_relabeling", shop): day_then(before, after)}


def _starts(times: int) -> Series:
    """A process that starts again every eleven minutes, so many times."""
    return {metric("process_start_time_seconds", LOKI): " ".join(steady(start, 10) for start in range(times)) + " _x60"}


def _probe(success: str, seconds: float) -> Series:
    return {
        metric("probe_success", _PROBED): success,
        metric("probe_duration_seconds", _PROBED): steady(seconds, 30),
    }


_OF_CERTIFICATE = metric("probe_ssl_earliest_cert_expiry", _PROBED)


def _certificate(seconds: int) -> Series:
    """One that expires so long after the fifteenth minute."""
    return {_OF_CERTIFICATE: steady(900 + seconds, 20)}


_DAY = 86_400

EXAMPLES = (
    example(
        "everything works",
        WATCHDOG,
        at="1m",
        fires=[info("Always fires. If it stops arriving, Prometheus, Alertmanager or their connection is down.")],
    ),
    example(
        "a target has not answered for five minutes",
        TARGET_DOWN,
        series={metric("up", PROMETHEUS): "0x10"},
        at="5m",
        fires=[warning("prometheus at 10.0.0.0:80 does not answer.", **PROMETHEUS)],
    ),
    example(
        "a target was away, and is back after four minutes",
        TARGET_DOWN,
        series={metric("up", PROMETHEUS): "0x4 1x10"},
        at="6m",
    ),
    example(
        "no replica of Loki answers",
        SERVER_DOWN,
        series=gauges({metric("up", LOKI): 0, metric("up", pod("loki", 1)): 0}, 10),
        at="5m",
        fires=[critical("No loki answers: this part of the stack is down.", job="loki")],
    ),
    example(
        "Jaeger has no pod at all",
        SERVER_DOWN,
        series=_pool("jaeger", "0x10"),
        at="5m",
        fires=[critical("No jaeger answers: this part of the stack is down.", job="jaeger")],
    ),
    example(
        "one replica of two answers, and somebody's own server does not",
        SERVER_DOWN,
        series={
            metric("up", LOKI): "0x10",
            metric("up", pod("loki", 1)): "1x10",
            metric("up", pod("shop")): "0x10",
            **_pool("loki", "2x10"),
        },
        at="8m",
    ),
    example(
        "a job has found nothing for a quarter of an hour",
        WITHOUT_TARGETS,
        series=_pool("kubelet", "0x20"),
        at="15m",
        fires=[warning("kubelet has no targets: its alerts are blind and its panels are empty.", job="kubelet")],
    ),
    example(
        "an inventory has refused three questions",
        OUTDATED,
        series={_failures("inventory"): "0x9 1x4 2x4 3x40"},
        at="30m",
        fires=[
            warning(
                "Prometheus cannot ask for the targets of inventory, and keeps those that it knows.",
                "3",
                job="inventory",
            )
        ],
    ),
    example(
        "an inventory has refused two questions, and the name of the Alertmanagers is not known",
        OUTDATED,
        series={_failures("inventory"): "5x9 6x4 7x40", _failures("config-0"): "0+1x50"},
        at="32m",
    ),
    example(
        "one Prometheus has targets, and nobody asks to be scraped",
        WITHOUT_TARGETS,
        series={**_pool("kubelet", "0x30"), **_pool("kubelet", "3x30", 1), **_pool("annotated-pods", "0x30")},
        at="25m",
    ),
    example(
        "a target sends more than twice as much as a day ago",
        TARGET_GROWS,
        series=_samples(4000, 8800),
        at="1475m",
        step="5m",
        fires=[
            warning(
                "The largest target of annotated-pods sends 2.2 times as much as a day ago.",
                "2.2",
                job="annotated-pods",
            )
        ],
    ),
    example("a target has nearly doubled", TARGET_GROWS, series=_samples(4000, 7900), at="25h", step="5m"),
    example("a small target has grown tenfold", TARGET_GROWS, series=_samples(400, 4000), at="25h", step="5m"),
    example(
        "Loki has restarted three times",
        RESTARTS,
        series=_starts(4),
        at="40m",
        fires=[warning("loki at 10.0.0.0:80 restarted 3 times in an hour.", "3", **LOKI)],
    ),
    example(
        "Jaeger, which only says how long it has run, has restarted three times",
        RESTARTS,
        series={metric("otelcol_process_uptime_seconds_total", JAEGER): "0+60x10 0+60x10 0+60x10 0+60x10"},
        at="40m",
        fires=[warning("jaeger at 10.0.0.0:80 restarted 3 times in an hour.", "3", **JAEGER)],
    ),
    example("Loki has been updated twice", RESTARTS, series=_starts(3), at="30m"),
    example(
        "no probe is answered",
        PROBE_FAILS,
        series=_probe("0x20", 5),
        at="2m",
        fires=[critical("https://shop.example/ answers 0% of its probes.", "0%", **_PROBED)],
    ),
    example(
        "of its first seven probes five are not answered",
        PROBE_FAILS,
        series=_probe("1 0x4 1x20", 0.1),
        at="6m",
        fires=[critical("https://shop.example/ answers 28.57% of its probes.", "28.57%", **_PROBED)],
    ),
    example(
        "seven probes of ten are not answered",
        PROBE_FAILS,
        series=_probe("1x2 0x6 1x2 0x6 1x2", 0.1),
        at="20m",
        fires=[warning("https://shop.example/ answers 30% of its probes.", "30%", **_PROBED)],
    ),
    example(
        "four probes of ten are not answered",
        PROBE_FAILS,
        series=_probe("1x5 0x3 1x5 0x3 1x5 0x3", 0.1),
        at="20m",
        fires=[warning("https://shop.example/ answers 60% of its probes.", "60%", **_PROBED)],
    ),
    example("two probes of ten are not answered", PROBE_FAILS, series=_probe("1x7 0x1 1x7 0x1 1x7 0x1", 0.1), at="20m"),
    example("the first probe of a new stack was too early", PROBE_FAILS, series=_probe("0 1x20", 0.1), at="1m"),
    example(
        "answers take a little more than two seconds",
        PROBE_SLOW,
        series=_probe("1x30", 2.2),
        at="10m",
        fires=[warning("https://shop.example/ takes 2.2s to answer.", "2.2s", **_PROBED)],
    ),
    example("answers take almost two seconds", PROBE_SLOW, series=_probe("1x30", 1.9), at="20m"),
    example("there are no answers", PROBE_SLOW, series=_probe("0x30", 5), at="20m"),
    *(
        example(
            f"{days} days and a half are left",
            CERTIFICATE,
            series=_certificate(days * _DAY + _DAY // 2),
            at="15m",
            step="5m",
            fires=[
                fires(
                    f"The certificate of https://shop.example/ expires in {days}d 12h 0m 0s.",
                    f"{days}d 12h 0m 0s",
                    instance="https://shop.example/",
                )
            ],
        )
        for days, fires in ((2, critical), (3, warning), (9, warning))
    ),
    example("ten days and a minute are left", CERTIFICATE, series=_certificate(10 * _DAY + 60), at="15m", step="5m"),
    example(
        "it lives for six days, and is renewed every three",
        CERTIFICATE,
        series={_OF_CERTIFICATE: f"{steady(6 * _DAY, 863)} {steady(9 * _DAY, 863)} {steady(12 * _DAY, 863)}"},
        at="192h",
        step="5m",
    ),
    example(
        "it lives for six days, and is not renewed when a quarter of them is left",
        CERTIFICATE,
        series={_OF_CERTIFICATE: f"{steady(6 * _DAY, 863)} {steady(9 * _DAY, 2000)}"},
        at="180h",
        step="5m",
        fires=[
            critical(
                "The certificate of https://shop.example/ expires in 1d 12h 0m 0s.",
                "1d 12h 0m 0s",
                instance="https://shop.example/",
            )
        ],
    ),
    example("it shows no certificate", CERTIFICATE, series=_certificate(-62_135_596_800), at="15m", step="5m"),
)
