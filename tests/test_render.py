"""The render: the same bytes everywhere, what a cluster accepts, and plain words when it cannot be done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it carries no types
import pytest

from components import images
from components.promtail.component import END_OF_LIFE
from tests.conftest import Recorded, Stacks
from tests.stack_settings import WHOLE, config, secrets
from tests.test_secrets import PLANTED, settings
from tools import brought, render
from tools.local.rendered import loaded
from tools.local.stack_text import merged, stack_text
from tools.recorder import ROOT
from tools.servers.build import SERVERS, version

DEPLOYED = {server: str(pinned.image) for server, pinned in images.ALL.items()}
"""By server, the image that is deployed."""


def stack_path(folder: Path, name: str = "prod", secure: tuple[str, ...] = (), **changes: Any) -> Path:
    """The stack file of a recorded stack, with changes and encrypted values."""
    path = folder / "Pulumi.tried.yaml"
    path.write_text(stack_text(merged(config(name), changes), secure))
    return path


def rendered(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module", params=WHOLE)
def name(request: pytest.FixtureRequest) -> str:
    """Of the stacks that have most in them."""
    given: str = request.param
    return given


@pytest.fixture(scope="module")
def whole(name: str, stack: Stacks) -> Recorded:
    return stack(name)


@pytest.fixture(scope="module")
def two_runs(name: str, whole: Recorded, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """A stack, rendered by two processes that hash differently, each in a folder of its own.

    One is new. The other is this one, which has rendered more than this stack.
    """
    folder = tmp_path_factory.mktemp("two-runs")
    path = stack_path(folder, name, secure=tuple(secrets(name)))
    outs = [folder / "first", folder / "elsewhere" / "second"]
    seed = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
    arguments = [[name, "--stack-file", str(path), "--out", str(out)] for out in outs]
    run = subprocess.run(
        [sys.executable, "-m", "tools.render", *arguments[0]],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [END_OF_LIFE] if whole.settings.logs.collector == "promtail" else []
    assert (run.returncode, run.stderr.splitlines()) == (0, [*said, *brought.told(whole.settings)])
    assert render.main(arguments[1]) == 0
    return [rendered(out) for out in outs]


def test_two_runs_write_the_same_bytes(two_runs: list[dict[str, str]]) -> None:
    first, second = two_runs
    assert list(first) == list(second)
    assert [path for path in first if first[path] != second[path]] == [], "a diff must mean a change"


def test_nothing_of_the_machine_or_of_a_secret_is_written(two_runs: list[dict[str, str]]) -> None:
    text = "\n".join([*two_runs[0], *two_runs[0].values()])
    for path in (str(ROOT), sys.prefix, "/tmp/"):  # noqa: S108  looked for, not used
        assert path not in text, "another machine would render something else"
    assert "ciphertext" not in text.lower()
    assert "Y2lwaGVydGV4dA" not in text
    assert ":latest" not in text


def test_the_folder_holds_manifests_configuration_and_a_summary(
    two_runs: list[dict[str, str]], whole: Recorded
) -> None:
    files = two_runs[0]
    assert {path.partition("/")[0] for path in files} == {
        "catalogue.json",
        "config",
        "grafana",
        "manifests",
        "metrics.txt",
        "summary.json",
    }
    assert {path for path in files if path.startswith("config/")} == {f"config/{path}" for path in whole.files}
    manifests = [loaded(text) for path, text in files.items() if path.startswith("manifests/")]
    assert all("kind" in made for made in manifests), "one object per file"
    kinds = [made["kind"] for made in manifests]
    for earlier, later in [("Namespace", "ServiceAccount"), ("Secret", "StatefulSet"), ("ConfigMap", "Deployment")]:
        last = max(position for position, kind in enumerate(kinds) if kind == earlier)
        assert last < kinds.index(later), f"applied in order, {later} needs {earlier}"
    assert "pulumi.com/" not in json.dumps(manifests), "the provider's own annotations mean nothing to a cluster"


STORAGE = {
    "everything": "243Gi",  # 2 x 100Gi, 3 x 1Gi, 3 x 10Gi and 2 x 5Gi
    "otherwise": "140Gi",  # 2 x 50Gi, 20Gi and 2 x 10Gi
}
DIGESTS = {"prometheus": f"@sha256:{'0a' * 32}"}
IMAGES = {
    "everything": {
        f"mirror.example.com:5000/proxy/{image.partition('/')[2]}{DIGESTS.get(server, '')}"
        for server, image in DEPLOYED.items()
    },
    "otherwise": {image for server, image in DEPLOYED.items() if server not in ("grafana", "promtail")},
}


def test_the_summary_adds_up(name: str, two_runs: list[dict[str, str]]) -> None:
    summary = json.loads(two_runs[0]["summary.json"])
    manifests = [path for path in two_runs[0] if path.startswith("manifests/")]
    assert sum(row["count"] for row in summary["objects"]) == len(manifests)
    assert summary["requests"]["storage"] == STORAGE[name]
    assert summary["missingSecrets"] == []
    assert summary["images"] == sorted(IMAGES[name])


VERSION = [
    known
    for known in kubernetes_validate.utils.all_versions()
    if kubernetes_validate.utils.major_minor(known) <= "1.36"
][-1]
"""The newest that the checker knows, up to the one that the conformance tests run."""


@pytest.fixture(autouse=True, scope="module")
def _schemas() -> Iterator[None]:
    """The checker reads the megabytes of all its definitions again for each object; here, once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubernetes_validate.utils, "schema_contents", cache(kubernetes_validate.utils.schema_contents))
        yield


def test_every_manifest_is_valid_for_the_cluster(recorded: Recorded) -> None:
    assert VERSION.startswith("1.36"), "the version that is deployed on"
    for manifest in recorded.objects.values():
        kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_an_unknown_field_would_be_noticed(prod: Recorded) -> None:
    service = prod.kind("Service")["prometheus"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(merged(service, {"spec": {"clusterIp": "None"}}), VERSION, strict=True)


@pytest.mark.parametrize("name", images.ALL)
def test_what_is_deployed_is_what_was_tested(name: str) -> None:
    pinned = images.ALL[name]
    assert pinned.why == "" or pinned.version in pinned.why, "the reason is about this version"
    if not pinned.tested:
        assert name not in SERVERS, "whoever can be built is tested"
        assert pinned.why, "not to be had, and the reason says so"
        return
    if name in SERVERS:
        assert pinned.tested == SERVERS[name].release, f"tools/servers/{name} pins module {version(name)}"
    deployed = pinned.image.tag.removeprefix("v").partition("-")[0]
    assert (deployed != pinned.tested) == bool(pinned.why), "a difference has a reason, and only a difference"
    assert pinned.image.tag != "latest"
    assert any(digit.isdigit() for digit in pinned.image.tag)


def test_every_image_is_pinned(stack: Stacks) -> None:
    made = [stack(name) for name in ("dev", "prod", "otherwise")]  # `everything` takes its images from a mirror
    seen = {each.container(name)["image"].partition("@")[0] for each in made for name in each.workloads}
    assert seen == set(DEPLOYED.values())


def test_missing_secrets_are_named_and_stood_in_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = stack_path(tmp_path, secure=("writePassword",), **settings(lambda key: key))
    assert render.main(["prod", "--stack-file", str(path), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    missing = sorted(PLANTED.keys() - {"writePassword"})
    assert [line.partition(":")[0] for line in said.err.splitlines()] == missing, "one line each, and no other"
    assert all("pulumi config set --secret" in line for line in said.err.splitlines()), "and how to set it"
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["missingSecrets"] == missing
    assert "StatefulSet" in said.out, "a table for people"


def test_a_second_render_replaces_the_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["dev", "--out", str(out)]
    assert render.main(arguments) == 0
    before = rendered(out)
    assert (
        render.main(["dev", "--stack-file", str(stack_path(tmp_path, "dev", systems={"nodes": None})), *arguments[1:]])
        == 0
    )
    assert rendered(out).keys() != before.keys()
    assert not [path for path in rendered(out) if "node-exporter" in path], "nothing of the first is left to be applied"
    assert render.main(arguments) == 0
    assert rendered(out) == before


def test_a_folder_with_other_peoples_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = tmp_path / "letters" / "important.txt"
    foreign.parent.mkdir()
    foreign.write_text("keep me")
    assert render.main(["dev", "--out", str(foreign.parent)]) == 1
    assert _only_line(capsys) == f"{foreign.parent}: has files that are not a render: choose another folder with --out"
    assert rendered(foreign.parent) == {"important.txt": "keep me"}


def test_a_file_among_the_rendered_ones_is_not_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert render.main(["dev", "--out", str(out)]) == 0
    (out / "notes.txt").write_text("keep me")
    capsys.readouterr()
    assert render.main(["dev", "--out", str(out)]) == 1, "somebody put it there"
    assert str(out) in _only_line(capsys)
    assert (out / "notes.txt").read_text() == "keep me"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.write_text("keep me")
    assert render.main(["dev", "--out", str(out)]) == 1
    assert str(out) in _only_line(capsys)
    assert out.read_text() == "keep me"


WRONG = {
    "no file": None,
    "a folder": "",
    "broken YAML": "config: {agent-observability:cluster: [",
    "not UTF-8": b"config: \xff\xfe",
    "empty": "",
    "no mapping": "- one\n- two\n",
    "no config": "config:\n",
    "config is a list": "config: [agent-observability:cluster]\n",
    "config is text": "config: cluster\n",
    "a key that is no text": "config: {1: one, agent-observability:cluster: {}}\n",
    "a key twice over": "config: {? [a, b] : one}\n",
}
"""What may stand in place of a stack file."""


@pytest.mark.parametrize("what", WRONG)
def test_a_stack_file_that_is_none_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    path, content = tmp_path / "Pulumi.tried.yaml", WRONG[what]
    if what == "a folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content)
    assert render.main(["tried", "--stack-file", str(path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip(), "and says why"
    assert not (tmp_path / "out").exists(), "nothing is written"


def test_a_stack_without_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render.main(["nowhere", "--out", str(tmp_path / "out")]) == 1
    assert _only_line(capsys).endswith("Pulumi.nowhere.yaml: no such stack file")


def test_all_problems_of_a_stack_file_are_listed_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes: dict[str, Any] = {
        "cluster": {"context": ""},
        "prometheus": {
            "retention": {"time": "7 days"},
            "remoteWrite": [{"name": "x", "url": "https://x/", "password": "planted"}],
        },
        "alertmanager": {"storage": None},
        "grafanna": {},
    }
    path = stack_path(tmp_path, **changes)
    assert render.main(["prod", "--stack-file", str(path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    problems = said.err.splitlines()
    assert 'prometheus.retention.time: "7 days": a duration like 15s, 6h or 7d' in problems, "as the design shows it"
    assert {line.partition(":")[0] for line in problems} >= {
        "cluster.context",
        "grafanna",
        "prometheus.remoteWrite[0].password",
        "prometheus.retention.time",
    }
    assert "planted" not in said.err, "a secret given in plain is not repeated"
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not (tmp_path / "out").exists(), "nothing is written"


@pytest.mark.parametrize(
    "given",
    [
        {"requests": {"memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        {"requests": {"cpu": "50m"}, "limits": {"memory": "256Mi"}},
        {"requests": {}, "limits": {}},
    ],
    ids=["no cpu", "no memory", "nothing"],
)
def test_resources_that_leave_something_out_are_explained_or_rendered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: dict[str, Any]
) -> None:
    path = stack_path(tmp_path, "dev", alertmanager={"resources": given})
    status = render.main(["dev", "--stack-file", str(path), "--out", str(tmp_path / "out")])
    assert "alertmanager.resources" in capsys.readouterr().err if status else (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [["--help"], []], ids=["help", "nothing"])
def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        render.main(arguments)
    said = capsys.readouterr()
    assert left.value.code == (0 if arguments else 2)
    assert "usage: python -m tools.render" in said.out + said.err
    if arguments:
        assert all(word in said.out for word in ("STACK", "--stack-file", "--out"))


def _only_line(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line
