"""What scrape jobs of all kinds of objects share: times, limits, relabelling, and the trial of the result."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from components.settings.prometheus import PrometheusSettings
from components.settings.scrape_job_checks import scrape_jobs_fit_together
from model.settings import Problem, problems
from tools.adopt import client
from tools.adopt.notes import Fields, Notes, filled, slug, unique
from tools.adopt.ours import ours

Job = dict[str, Any]
"""An entry of ``prometheus.scrapeJobs``."""

LIMITS = {
    "sampleLimit": "samples",
    "targetLimit": "targets",
    "labelLimit": "labels",
    "labelNameLengthLimit": "labelNameLength",
    "labelValueLengthLimit": "labelValueLength",
    "bodySizeLimit": "bodySize",
}
_PROTOCOL = "Prometheus and the target agree on the format"
_NATIVE = "the stack stores what the target sends, with Prometheus's defaults for native histograms"
REASONS: Mapping[str, str] = {
    **client.REASONS,
    "honorTimestamps": "timestamps of targets are honoured, as is Prometheus's default",
    "trackTimestampsStaleness": "Prometheus's default holds: samples with a timestamp end after five minutes",
    "filterRunning": "pods that are pending or have ended are never targets",
    "attachMetadata": "targets have the label node; other metadata of nodes is not there for relabelling",
    **dict.fromkeys(("selectorMechanism", "serviceDiscoveryRole"), "the targets are the same with each"),
    "keepDroppedTargets": "Prometheus keeps no targets that relabelling dropped",
    "scrapeClass": "it is a part of the old Prometheus object: write its settings into the job",
    "scrapeProtocols": _PROTOCOL,
    "fallbackScrapeProtocol": _PROTOCOL,
    "enableCompression": "answers are compressed, as is Prometheus's default",
    "scrapeClassicHistograms": _NATIVE,
    "scrapeNativeHistograms": _NATIVE,
    "convertClassicHistogramsToNHCB": _NATIVE,
    "nativeHistogramBucketLimit": _NATIVE,
    "nativeHistogramMinBucketFactor": _NATIVE,
    "nameValidationScheme": "Prometheus's default holds, UTF-8",
    "nameEscapingScheme": "Prometheus's default holds",
}
DEFAULTS: Mapping[str, Any] = {
    **client.DEFAULTS,
    "honorTimestamps": True,
    "filterRunning": True,
    "attachMetadata": {"node": False},
    "enableCompression": True,
}


def problems_of(job: Job, prometheus: Mapping[str, Any]) -> list[Problem]:
    """What the stack file's own checks say against a job, beside the rest of the section ``prometheus``."""
    try:
        settings = PrometheusSettings.model_validate({**prometheus, "scrapeJobs": [job]})
    except ValidationError as error:
        found = problems(error, PrometheusSettings)
    else:
        found = list(scrape_jobs_fit_together(settings))
    return [each.removeprefix("prometheus.").removeprefix("scrapeJobs[0].") for each in found]


def asked(given: Fields, namespace: str, *, path: str, interval: str, called: str = "") -> Job:
    """How targets are asked; ``path`` and ``interval`` are the names of these fields."""
    scheme = given.text("scheme").lower() or "http"
    return filled(
        scheme="" if scheme == "http" else scheme,
        path=given.text(path),
        params=given.take("params"),
        interval=given.text(interval),
        timeout=given.text("scrapeTimeout"),
        honorLabels=given.take("honorLabels"),
        **client.login(given, namespace, called),
        tls=client.tls(given.part("tlsConfig"), namespace, secure=scheme == "https"),
        relabel=steps(given, "relabelings"),
        metricRelabel=steps(given, "metricRelabelings"),
    )


def limits(given: Fields) -> dict[str, Any]:
    """Limits of an object; 0 is none."""
    found = {name: given.take(field) for field, name in LIMITS.items()}
    found["bodySize"] = binary(str(found["bodySize"] or ""))
    return filled(**{name: value for name, value in found.items() if value not in (0, "0")})


def binary(size: str) -> str:
    """``45GB`` as Prometheus and its operator mean it: in powers of two."""
    return f"{size[:-1]}i" if size.endswith(("KB", "MB", "GB", "TB", "PB")) else size


def steps(given: Fields, name: str) -> list[dict[str, Any]]:
    """Relabelling steps, without those that the stack refuses."""
    kept = []
    for part in given.parts(name):
        made = filled(
            sourceLabels=part.take("sourceLabels"),
            separator=part.take("separator"),
            regex=part.text("regex"),
            modulus=part.take("modulus"),
            targetLabel=part.text("targetLabel"),
            action=part.text("action").lower(),
        )
        replacement = part.given.get("replacement")
        part.take("replacement")
        if replacement is not None:  # an empty one removes a label
            made["replacement"] = str(replacement)
        if made.get("action") == "replace":
            del made["action"]  # the default, which the API server writes out
        part.rest()
        if wrong := problems_of({"name": "any", "targets": ["any:1"], "relabel": [made]}, {}):
            part.notes.without(part.where, "; ".join(each.removeprefix("relabel[0].") for each in wrong))
        else:
            kept.append(made)
    return kept


def copied(label: str, to: str) -> dict[str, Any]:
    """The step that copies a label of discovery, unless it is empty."""
    return {"sourceLabels": [label], "regex": "(.+)", "targetLabel": to}


def meta(name: str) -> str:
    """The name of a Kubernetes label within the names of discovery's labels."""
    return "".join(character if character.isalnum() and character.isascii() else "_" for character in name)


class Jobs:
    """The jobs of a result, with names of their own."""

    def __init__(self, prometheus: Mapping[str, Any], notes: Notes) -> None:
        self.prometheus = prometheus
        self.notes = notes
        self.made: list[Job] = []

    @property
    def names(self) -> Collection[str]:
        return {job["name"] for job in self.made}

    def add(self, job: Job, called: str, where: str, was: str | None) -> None:
        """Adds a job unless the stack refuses it. ``was`` is the label job of its series so far, None if that is not
        known.
        """
        name = unique(slug(called) or "adopted", {*self.names, *ours().jobs})
        job = {"name": name, **job}
        if wrong := problems_of(job, self.prometheus):
            self.notes.lost(where, f"{'; '.join(wrong)}: correct it, and run this again")
            return
        self.made.append(job)
        if was is None:
            why = f'job was the name of the Service, or a label of it: it is "{name}" now, for rules and dashboards'
            self.notes.check(where, why)
        elif name != was:
            self.notes.check(where, f'its series had job="{was}", and have job="{name}" now')
