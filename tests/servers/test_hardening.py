"""Every recorded stack by kube-score's checklist: nothing is found that the decision record does not name."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import pytest

from tests.stack_settings import RECORDED
from tools.local.rendered import Rendered
from tools.recorder import ROOT
from tools.servers.find import binary

RECORD = ROOT / "docs" / "decisions" / "0012-what-a-checklist-is-not-followed-in.md"
GRADES = {1: "critical", 5: "warning"}
"""kube-score's numbers; 7 is its praise with a remark, 10 without one."""
CLUSTERS = "v1.36"
"""Of the API that objects are judged by: the one that the simulated cluster has."""

Finding = tuple[str, str, str]
"""Grade, check and the object's name."""


@pytest.fixture(scope="module")
def found(rendered: Callable[[str], Rendered]) -> set[Finding]:
    return {finding for stack in RECORDED for finding in judged(rendered(stack))}


@pytest.fixture(scope="module")
def workloads(rendered: Callable[[str], Rendered]) -> set[str]:
    kinds = ("DaemonSet", "Deployment", "StatefulSet")
    return {made["metadata"]["name"] for stack in RECORDED for made in rendered(stack).of_kind(*kinds)}


def judged(stack: Rendered) -> set[Finding]:
    options = ("--output-format=json", f"--kubernetes-version={CLUSTERS}")
    # It ends with 1 when it finds anything, and prints no JSON when it cannot judge.
    said = subprocess.run(
        [binary("kube-score"), "score", *options, *sorted(stack.manifests.iterdir())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return {
        (GRADES[check["grade"]], check["check"]["id"], judgement["object_meta"]["name"])
        for judgement in json.loads(said.stdout)
        for check in judgement["checks"]
        if check["grade"] in GRADES and not check["skipped"]
    }


def listed(workloads: set[str]) -> set[Finding]:
    rows = re.findall(r"^\| (critical|warning) \| (\S+) \| (.+) \|$", RECORD.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        (grade, check, name)
        for grade, check, names in rows
        for name in (workloads if names == "all" else names.split(", "))
    }


@pytest.mark.parametrize("grade", GRADES.values())
def test_what_is_found_is_named_in_the_decision_record(found: set[Finding], workloads: set[str], grade: str) -> None:
    unnamed = {finding for finding in found - listed(workloads) if finding[0] == grade}
    assert not unnamed, "mend it, or say in the record why not"


def test_the_decision_record_names_nothing_that_is_mended(found: set[Finding], workloads: set[str]) -> None:
    assert not listed(workloads) - found
