"""What ``make diff`` says about a change of a stack file."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from components.settings.accepted import Gate
from components.settings.stack import Settings
from tests import stack_settings
from tests.diff.told import Example, change, examples, rendered, said, shortened
from tools.catalogue import plain
from tools.diff import compare, kept
from tools.diff.change import Change, Danger, Section
from tools.diff.losses import MEANINGS
from tools.diff.renders import Render
from tools.diff.settings import flat, unnamed
from tools.recorder import ROOT

GOLDEN = tuple(examples())
HARMLESS = re.compile(
    # What is on the objects themselves, or in a sentence about them: requests, pods, policies, logins of clients.
    r".+\.(labels|annotations|logLevel|priorityClass|serviceAccountAnnotations)(\..+)?"
    r"|.+\.resources\.(requests\..+|limits\.cpu)"
    r"|cluster\.(flavour|images|nodeSelector|tolerations|network|labels|virtualNodes)(\..+)?"
    r"|grafana\.(url|external|database\.postgres|adminPasswordSecret|tokenSecret|oidc|smtp|ingress|service)(\..+)?"
    r"|grafana\.database\.(sqlite|postgres)(\..+)?"
    # Refused where it is smaller, or a store's own: another kind of store is said as a whole.
    r"|(prometheus|alertmanager|collector)\.storage|loki\.storage(\..+)?|jaeger\.(storage|archive|basePath)(\..+)?"
    r"|jaeger\.sampling\.services"
    # Where alerts, jobs and objectives say what changes.
    r"|prometheus\.(remoteWrite|scrapeJobs)(\..+)?|prometheus\.externalLabels(\..+)?|systems\..+|slos(\..+)?"
    r"|owners\..+|content|notifications\.(routes(\..+)?|labels(\..+)?)|alertmanager\.externalUrl"
    # How lines are read, at which pace and with which fields: nothing is lost.
    r"|logs\.(fields|linesPerSecond|burst|continuation)(\..+)?|loki\.(streamRetention|tenants)(\..+)?"
)
"""Settings whose change loses neither data nor alerts nor access, or is told by what it changes."""


@pytest.mark.parametrize("example", GOLDEN, ids=lambda each: each.what)
def test_a_change_of_settings_leads_to_these_sentences(example: Example) -> None:
    assert shortened(said(change(example)), example.says) == list(example.says)


def test_every_meaning_of_a_setting_has_an_example() -> None:
    """A meaning is what a path, and a smaller, larger or other value stand for."""
    told = "\n".join(sentence for example in GOLDEN for sentence in example.says)
    words = {words for rule in MEANINGS for words in (rule.less, rule.more, rule.other) if words}
    assert [each for each in sorted(words) if each not in told] == []


def test_every_gate_has_an_example() -> None:
    told = "\n".join(sentence for example in GOLDEN for sentence in example.says)
    assert [gate for gate in get_args(Gate) if f"[{gate}]" not in told] == []


def test_a_new_setting_is_judged_before_it_is_merged() -> None:
    """Between them the recorded stacks set every setting."""
    paths = {
        unnamed(path)
        for name in stack_settings.RECORDED
        for path in flat({key: plain(getattr(stack_settings.settings(name), key)) for key in Settings.model_fields})
    }
    judged = {path for path in paths if kept.meaning(path)[0] or kept.ELSEWHERE.fullmatch(path)}
    assert sorted(path for path in paths - judged if not HARMLESS.fullmatch(path)) == []


def test_metrics_that_are_no_longer_stored_are_named() -> None:
    before = rendered("dev", metrics=True, prometheus={"keep": "all"})
    after = rendered("dev", metrics=True, prometheus={"keep": "known"})
    told = said(compare.difference("dev", before, after))
    assert told[0] == "! prometheus.keep: all -> known: only metrics in use are stored"
    assert any(re.fullmatch(r"! \d+ metrics: .+ of node-exporter: no longer stored", each) for each in told)


def test_what_cannot_be_undone_comes_first() -> None:
    """A reviewer who reads one line reads of the data."""
    before = rendered(jaeger={"sampling": {"percent": 50}})
    after = rendered(
        alerts={"TargetDown": "off"},
        cluster={"kubeletCertificate": "unverified"},
        collector={"redact": False},
        jaeger={"sampling": {"percent": 10}},
        loki={"retention": "14d", "tenant": "core"},
    )
    lines = compare.summary(compare.difference("prod", before, after))
    starts = ("loki.tenant", "loki.retention", "collector.redact", "cluster.kubeletCertificate", "alert TargetDown")
    assert [line.startswith(start) for line, start in zip(lines, (*starts, "jaeger.sampling"), strict=True)] == [
        True
    ] * 6


def test_a_summary_has_at_most_ten_lines_and_counts_the_rest() -> None:
    """From one stack to another nearly everything changes."""
    found = compare.difference("prod", rendered("dev"), rendered("prod"))
    lines = compare.summary(found)
    assert len(lines) == compare.LINES
    assert lines[-1].startswith(f"and {len(found.changes) - 9} further changes: who is notified ")
    assert all(each.danger is Danger.LOSS for each in found.changes[:5])


def test_a_summary_without_dangers_still_says_what_changes() -> None:
    names = [f"Metric{number}" for number in range(20)]
    changes = tuple(Change(Section.SEEN, f"dashboard {name}: new") for name in names)
    lines = compare.summary(compare.Difference(stack="prod", changes=changes))
    assert lines[0] == "dashboard Metric0: new"
    assert lines[-1] == "and 11 further changes: what is looked at 11"


def test_two_comparisons_say_the_same() -> None:
    once, again = (compare.difference("prod", rendered("dev"), rendered("prod")) for _ in range(2))
    assert once == again


def test_no_password_of_a_url_is_shown() -> None:
    """A stack file that has one is refused by its own check; a render of older code may not be."""
    before = rendered()
    hidden = {**before.settings["alertmanager"], "externalUrl": "https://me:hunter2@x.example.com"}
    changed = {**(before.catalogue or {}), "settings": {**before.settings, "alertmanager": hidden}}
    told = said(compare.difference("prod", before, Render(catalogue=changed)))
    assert told == ["alertmanager.externalUrl: none -> https://x.example.com"]


def test_the_page_shows_what_is_said_and_lists_every_gate() -> None:
    page = (ROOT / "docs" / "pull-requests.md").read_text(encoding="utf-8")
    after = rendered(
        alerts={"AgentRunsFailing": {"critical": 0.5}},
        collector={"redact": False},
        loki={"retention": "14d", "tenant": "core"},
    )
    said_now = compare.summary(compare.difference("prod", rendered(), after))
    assert "\n".join(f"      {line}" for line in said_now) in page
    assert re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE) == list(get_args(Gate))
