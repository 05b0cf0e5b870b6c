"""Prometheus on its rendered configuration: how it takes an edit of its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tools.local.account import Account
from tools.local.asked import get
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, http_text
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

RULES, SCRAPE, CONFIG = "/etc/prometheus/rules", "/etc/prometheus/scrape", "/etc/prometheus/config"


@dataclass(frozen=True)
class Editing:
    """A running Prometheus whose ConfigMaps are edited."""

    local: LocalServer
    process: Process
    started: str

    def edit(self, mount: str, **changes: str) -> None:
        """Put files in a mount beside those that are there, or in their place, as the kubelet does it."""
        files = {f"{name}.yml": text for name, text in changes.items()}
        self.local.put(mount, {**self.local.files(mount), **files})

    def metric(self, name: str) -> str:
        """A metric of its own, as it says it."""
        said = http_text(f"{self.local.url}/metrics")
        return next(line.split()[1] for line in said.splitlines() if line.startswith(f"{name} "))

    @property
    def alerts(self) -> set[str]:
        groups = get(self.local, "rules")["groups"]
        return {rule["name"] for group in groups for rule in group["rules"]}

    @property
    def jobs(self) -> set[str]:
        return set(get(self.local, "scrape_pools")["scrapePools"])

    @property
    def config(self) -> str:
        return str(get(self.local, "status/config")["yaml"])

    def refuses(self) -> bool:
        return self.metric("prometheus_config_last_reload_successful") == "0"

    @property
    def refusals(self) -> int:
        return self.process.log().count("Error reloading config")

    def assert_never_restarted(self) -> None:
        assert self.process.alive
        assert self.metric("process_start_time_seconds") == self.started


@pytest.fixture(scope="module")
def editing(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Editing]:
    # The half minute between two looks at its files is shortened.
    faster = ["--config.auto-reload-interval=500ms"]
    home = tmp_path_factory.mktemp("editing")
    local = LocalServer(rendered("dev"), "prometheus", home / "pod", Account.admin(control_plane), faster=faster)
    with local.process() as process:
        new = Editing(local, process, "")
        process.ready(lambda: new.jobs and new.alerts)  # it is ready before its scrape jobs are
        yield Editing(local, process, new.metric("process_start_time_seconds"))


def rule(name: str, expression: str = "vector(1)") -> str:
    return json.dumps({"groups": [{"name": name, "rules": [{"alert": name, "expr": expression}]}]})


def job(name: str) -> str:
    return json.dumps({"scrape_configs": [{"job_name": name, "static_configs": [{"targets": ["127.0.0.1:1"]}]}]})


def test_an_edited_rule_is_loaded_without_a_restart(editing: Editing) -> None:
    before = editing.alerts

    editing.edit(RULES, edited=rule("Edited"))

    eventually(lambda: editing.alerts == before | {"Edited"}, 20, "the rule is loaded beside the old ones")
    editing.assert_never_restarted()


def test_an_edited_scrape_job_is_loaded_without_a_restart(editing: Editing) -> None:
    before = editing.jobs

    editing.edit(SCRAPE, edited=job("edited"))

    eventually(lambda: editing.jobs == before | {"edited"}, 20, "the job is loaded beside the old ones")
    editing.assert_never_restarted()


def test_a_syntax_error_keeps_everything_as_it_was_and_is_seen(editing: Editing) -> None:
    config, alerts, jobs = editing.config, editing.alerts, editing.jobs
    (text,) = editing.local.files(CONFIG).values()
    assert "evaluation_interval: 15s\n" in text

    editing.edit(CONFIG, prometheus=text.replace("evaluation_interval: 15s\n", "evaluation_interval: 99s\n  ][\n"))
    eventually(editing.refuses, 20, "the refusal is a metric")
    editing.edit(RULES, waiting=rule("Waiting"))
    refusals = editing.refusals
    eventually(lambda: editing.refusals > refusals, 20, "the further edit is refused as well")

    assert (editing.config, editing.alerts, editing.jobs) == (config, alerts, jobs)
    editing.edit(CONFIG, prometheus=text)
    eventually(lambda: editing.alerts == alerts | {"Waiting"}, 20, "what waited behind the error is loaded")
    assert not editing.refuses()
    editing.assert_never_restarted()


def test_a_broken_rule_file_keeps_the_old_rules_while_the_rest_applies_and_is_seen(editing: Editing) -> None:
    alerts, jobs = editing.alerts, editing.jobs

    editing.edit(RULES, broken=rule("Broken", "rate(up)"), fine=rule("Fine"))
    eventually(editing.refuses, 20, "the refusal is a metric")
    editing.edit(SCRAPE, rest=job("rest"))

    eventually(lambda: editing.jobs == jobs | {"rest"}, 20, "the scrape job applies")
    assert editing.alerts == alerts, "the old rules, and none of the new ones"
    assert editing.refuses()
    editing.edit(RULES, broken=rule("Repaired"))
    eventually(lambda: editing.alerts == alerts | {"Repaired", "Fine"}, 20, "the repaired rules are loaded")
    assert not editing.refuses()
    editing.assert_never_restarted()
