"""Building the pinned servers: once, whole, or one clear message. A script stands in for Go."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.servers import build as builder
from tools.servers.build import SERVERS, BuildError, Server, build, read_pin, version

GO_MOD = """\
// A comment that says tool example.org/other
module agent-observability/tools/servers/tiny

go 1.26.0

tool (
	example.org/tiny/cmd/tiny // the server
	example.org/tiny/cmd/tinyctl
)

require (
	example.org/other v0.1.0 // indirect
	example.org/tiny v1.2.3 // indirect
)
"""

GO = """\
#!/bin/bash
if [ "$1" = version ]; then echo go version go1.26.8 linux/amd64; exit; fi
echo "$CGO_ENABLED $*" >> "$CALLS"
sleep 0.2
while [ "$1" != -o ]; do shift; done
if [ -d "$2" ]; then for package in "${@:3}"; do echo built > "$2/${package##*/}"; done; else echo built > "$2"; fi
"""


class Workshop:
    """A pin, a cache and a stand-in for Go, all in a temporary folder."""

    def __init__(self, home: Path) -> None:
        self.pin = home / "pins" / "tiny"
        self.cache = home / "cache" / "servers"
        self.go = home / "bin" / "go"
        self.calls = home / "calls"
        for folder in (self.pin, self.go.parent):
            folder.mkdir(parents=True)
        (self.pin / "go.mod").write_text(GO_MOD)
        (self.pin / "go.sum").write_text("")
        self.stand_in(GO)

    def stand_in(self, script: str) -> None:
        self.go.write_text(script)
        self.go.chmod(0o755)

    @property
    def server(self) -> Server:
        return read_pin(self.pin)

    def built(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def kept(self) -> list[str]:
        return sorted(entry.name for entry in self.cache.iterdir() if entry.is_dir())


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    made = Workshop(tmp_path)
    monkeypatch.setattr(builder, "PINS", made.pin.parent)
    monkeypatch.setenv("AGENT_OBSERVABILITY_CACHE", str(made.cache.parent))
    monkeypatch.setenv("CALLS", str(made.calls))
    monkeypatch.setenv("PATH", f"{made.go.parent}:/usr/bin:/bin")
    return made


def test_a_pin_says_all_there_is_to_say_of_its_server(workshop: Workshop) -> None:
    server = workshop.server

    assert (server.name, server.module, server.version) == ("tiny", "example.org/tiny", "1.2.3")
    assert server.packages == {"tiny": "example.org/tiny/cmd/tiny", "tinyctl": "example.org/tiny/cmd/tinyctl"}


def test_a_pin_with_one_tool_names_its_binary_after_itself(workshop: Workshop) -> None:
    (workshop.pin / "go.mod").write_text(
        "tool example.org/tiny/server/v3\n\nrequire example.org/tiny/server/v3 v3.6.8\n"
    )

    assert workshop.server.packages == {"tiny": "example.org/tiny/server/v3"}, "Go would call it server"


def test_a_pin_without_a_tool_is_refused(workshop: Workshop) -> None:
    (workshop.pin / "go.mod").write_text("require example.org/tiny v1.2.3\n")

    with pytest.raises(BuildError, match=r"tiny: its go\.mod must have a `tool` line"):
        read_pin(workshop.pin)


def test_a_server_is_built_without_c_and_only_once(workshop: Workshop) -> None:
    folder = build(workshop.server)
    again = build(workshop.server)

    assert sorted(entry.name for entry in folder.iterdir()) == ["tiny", "tinyctl"]
    assert again == folder
    (call,) = workshop.built()
    assert call.startswith("0 build -trimpath -ldflags=-s -w -o ")


def test_a_changed_pin_is_built_anew_and_replaces_what_was_there(workshop: Workshop) -> None:
    before = build(workshop.server)
    (workshop.pin / "go.sum").write_text("example.org/tiny v1.2.3 h1:changed\n")

    after = build(workshop.server)

    assert re.fullmatch(r"tiny-[0-9a-f]{12}", after.name)
    assert after.name != before.name
    assert workshop.kept() == [after.name]


def test_a_pin_with_code_of_its_own_is_built_from_that_and_anew_when_it_changes(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "_CORES", {"tiny": "example.org/tiny"})
    code = workshop.pin / "main.go"
    code.write_text("package main\n")
    assert (workshop.server.version, workshop.server.packages) == ("1.2.3", {"tiny": "."})
    before = build(workshop.server)
    code.write_text("package main // changed\n")

    assert build(workshop.server) != before


def test_two_callers_build_once(workshop: Workshop) -> None:
    with ThreadPoolExecutor() as callers:
        folders = set(callers.map(build, [workshop.server] * 2))

    assert len(folders) == 1
    assert len(workshop.built()) == 1


def test_a_build_that_was_killed_does_not_count(workshop: Workshop) -> None:
    left = workshop.cache / "tiny.unfinished"
    left.mkdir(parents=True)
    (left / "half").touch()

    assert not (build(workshop.server) / "half").exists()


def test_a_failing_build_says_what_was_run_and_what_it_said(workshop: Workshop) -> None:
    workshop.stand_in('#!/bin/sh\n[ "$1" = version ] && exit 0\nseq 1 100 >&2\necho "undefined: main" >&2\nexit 1\n')

    with pytest.raises(BuildError) as problem:
        build(workshop.server)

    message = str(problem.value)
    assert message.startswith("tiny 1.2.3: could not build example.org/tiny v1.2.3")
    assert "  go build -trimpath" in message
    assert message.splitlines()[-1] == "  undefined: main"
    assert "  81\n" not in message, "only the last lines"
    assert workshop.kept() == []


def test_a_missing_go_is_one_message(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(builder, "SERVERS", {"tiny": workshop.server})
    monkeypatch.setenv("PATH", str(workshop.pin))

    assert builder.main(["tiny"]) == 1

    said = capsys.readouterr().err
    assert said.startswith("tiny 1.2.3: `go` is not on the PATH")
    assert said.count("\n") == 1


def test_progress_is_shown_apart_from_the_result(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(builder, "SERVERS", {"tiny": workshop.server})

    assert builder.main([]) == 0

    said = capsys.readouterr()
    assert said.out == f"tiny 1.2.3 {workshop.cache / workshop.kept()[0]}\n"
    assert re.match(r"tiny 1\.2\.3: building \(1 of 1\) \.\.\. 0 s\ntiny 1\.2\.3: built \(1 of 1\) in \d+ s", said.err)


def test_an_unknown_server_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        builder.main(["promtheus"])

    assert refusal.value.code == 2
    assert "promtheus: no such server; there are alertmanager, " in capsys.readouterr().err


def test_no_two_servers_have_a_binary_of_one_name() -> None:
    names = [name for server in SERVERS.values() for name in server.packages]

    assert sorted(names) == sorted(set(names)), "which one is meant would be a guess"


def test_no_module_of_those_under_the_agpl_is_taken() -> None:
    pinned = "".join(path.read_text() for path in builder.PINS.glob("*/go.mod"))

    for module in ("grafana/loki", "grafana/grafana", "grafana/tempo", "minio/minio"):
        assert not re.search(rf"github\.com/{module}(/|\s)", pinned), f"{module}: out of its image, or not at all"


def test_versions_are_those_of_the_pins() -> None:
    assert version("prometheus") == "0.315.0"
    assert SERVERS["prometheus"].release == "3.15.0", "as its images are tagged"
    assert SERVERS["jaeger"].release == "2.13.0"
    assert "k8s.io/component-base/version.gitVersion=v1.36.3 " in SERVERS["kubernetes"].flags[-1]
