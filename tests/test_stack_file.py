"""What `make render` reads in a stack file is what Pulumi deploys: held to what `pulumi config --json` said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.settings.stack import Refused
from tools import stack_file
from tools.recorder import PROJECT

# Said by Pulumi 3.260.0.
WORDS: dict[str, object] = {
    "22:00": "22:00",
    "22:00.5": "22:00.5",
    "on": "on",
    "off": "off",
    "no": "no",
    "y": "y",
    "True": True,
    "FALSE": False,
    "~": None,
    "NULL": None,
    "": None,
    "=": "=",
    "2026-13": "2026-13",
    "0777": 511,
    "0o777": 511,
    "089": 89,
    "0x1F": 31,
    "0b101": 5,
    "1_000": 1000,
    "+12": 12,
    "12.": 12,
    ".5": 0.5,
    "1_0.5": 10.5,
    "1e3": 1000,
    "1.0": 1,
    "!!str 5": "5",
    "!!float 5": 5,
    "'5'": "5",
}


@pytest.mark.parametrize(("word", "value"), WORDS.items(), ids=WORDS)
def test_a_word_is_what_pulumi_takes_it_for(tmp_path: Path, word: str, value: object) -> None:
    path = tmp_path / "Pulumi.test.yaml"
    path.write_text(f"config:\n  {PROJECT}:loki:\n    word: {word}\n")
    read = stack_file.read(path).config["loki"]["word"]
    assert (read, isinstance(read, bool)) == (value, isinstance(value, bool))


@pytest.mark.parametrize("key", ["loki", f"{PROJECT}:loki", f"{PROJECT}:config:loki"])
def test_a_key_is_the_project_s_in_each_spelling_that_pulumi_takes(tmp_path: Path, key: str) -> None:
    path = tmp_path / "Pulumi.test.yaml"
    path.write_text(f"config:\n  {key}: {{retention: 7d}}\n  aws:region: eu\n  pulumi:tags: {{a: b}}\n")
    assert stack_file.read(path).config == {"loki": {"retention": "7d"}}


def test_what_a_mapping_takes_from_another_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.test.yaml"
    path.write_text(f"config:\n  {PROJECT}:a: &a {{x: 1, y: 2}}\n  {PROJECT}:b: {{<<: *a, y: 3}}\n")
    assert stack_file.read(path).config["b"] == {"x": 1, "y": 3}


def test_a_section_that_is_a_secret_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"config: {{{PROJECT}:collector: {{secure: v1:x:y}}}}")
    with pytest.raises(Refused) as refused:
        stack_file.settings(file)
    assert any(problem.startswith("collector") for problem in refused.value.problems)
