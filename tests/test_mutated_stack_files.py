"""Whatever is in a stack file, it is accepted, and then renders, or one line per problem says where and what."""

from __future__ import annotations

import copy
import json
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis.configuration import set_hypothesis_home_dir

from components.load import plain
from components.settings.content import gathered
from components.settings.stack import Refused, Settings
from components.settings.stack import read as read_settings
from tests.mutations import FILES, at, build, nests, originals, stack_files
from tools import stack_file
from tools.recorder import PROJECT, ROOT
from tools.render import config_files, manifests, render

# As in test_quantities.py: no folder of Hypothesis' in the checkout.
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hypothesis")

# The same files in every run and on every machine: whoever finds a crash with other ones keeps it in CASES.
same_every_time = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
PATIENCE = 30
"""Seconds that one file may take before it counts as a hang: it takes less than a tenth of one."""


@contextmanager
def no_hang() -> Iterator[None]:
    """Each file has its own time: together they take longer on a machine that is busy."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"a stack file is not read within {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated") / "Pulumi.test.yaml"


def lines(refused: Exception) -> list[str]:
    """The problems, of which each must be one line that says where."""
    said = str(refused).split("\n")
    assert said == str(refused).splitlines(), "a line is one line wherever it is read"
    for line in said:
        where, _, what = line.partition(": ")
        assert where, line
        assert what, line
        assert "Input should" not in line, f"pydantic's words are for programmers: {line}"
        assert len(line) < 10_000, "what is pasted is not said back"
    return said


def outcome(path: Path, text: str) -> list[str]:
    """What is said about a file, as `make render` reads it; nothing if it is accepted, and then all can be built."""
    path.write_text(text)
    with no_hang():
        try:
            accepted = stack_file.settings(path)
        except (Refused, stack_file.Unreadable) as refused:
            return lines(refused)
        build(accepted)
    return []


@given(text=stack_files())
@settings(same_every_time, max_examples=520)
def test_a_mutated_stack_file_is_accepted_or_explained(path: Path, text: str) -> None:
    outcome(path, text)


def test_a_wrong_type_wherever_settings_nest_is_explained_where_it_is() -> None:
    full = stack_file.read(FILES[-1]).config
    places = {tuple(0 if isinstance(key, int) else key for key in way): way for way in nests(full) if len(way) > 1}
    assert len(places) > 90, "or little is tried"
    for way, wrong in product(places.values(), ("2026-01-01", [["a"]])):
        section = {str(way[0]): copy.deepcopy(full[str(way[0])])}
        at(section, way[:-1])[way[-1]] = wrong
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in way).removeprefix(".")
        said = said_of({"cluster": full["cluster"], **section})
        assert any(line.startswith(place) for line in said), (place, wrong, said)


@given(text=stack_files())
@settings(same_every_time, max_examples=150)
def test_pulumi_s_way_of_reading_comes_to_the_same(path: Path, text: str) -> None:
    """Pulumi hands each top-level key over as JSON, once it has taken the YAML."""
    path.write_text(text)
    try:
        config = stack_file.read(path).config
        handed_over = {key: json.dumps(value, allow_nan=False) for key, value in config.items()}
    except (Refused, stack_file.Unreadable, ValueError):  # no YAML, or what JSON has no word for
        return
    assert said_of(config) == said_of({key: plain(text) for key, text in handed_over.items()})


def said_of(config: dict[str, object]) -> list[str]:
    try:
        read_settings(config, folders=gathered(config, ROOT))
    except Refused as refused:
        return lines(refused)
    return []


@given(text=stack_files())
@settings(same_every_time, max_examples=3)
def test_a_mutated_stack_file_that_is_accepted_renders(path: Path, text: str) -> None:
    path.write_text(text)
    try:
        stack_file.settings(path)
    except (Refused, stack_file.Unreadable):
        reject()
    with no_hang():
        recorder, _ = render("test", path)
        objects = manifests(recorder)
    assert objects
    assert config_files(objects)


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_the_files_that_are_mutated_are_accepted(file: Path, path: Path) -> None:
    assert outcome(path, file.read_text()) == []


def test_the_third_file_sets_most_of_what_there_is() -> None:
    assert len(originals()[2]["config"]) == len(Settings.model_fields), "every section"


def of_dev(**sections: str) -> str:
    """The development stack's cluster, and sections as YAML."""
    keys = {"cluster": "{name: a, environment: dev, context: a, flavour: kind}", **sections}
    return "config:\n" + "".join(f"  {PROJECT}:{key}: {value}\n" for key, value in keys.items())


ONCE = "give it once"
NO_TAG = "a value without such a tag"
QUOTED = "a key that is text (line 3): put it in quotes"
DATE = "text in quotes, or YAML takes it for a date"
CASES: dict[str, tuple[str, str]] = {
    # Where settings nest, text and a list in place of an entry.
    "text for routes": (of_dev(notifications='{routes: "2026-01-01"}'), 'notifications.routes: "2026-01-01": a list'),
    "a list for a route": (of_dev(notifications="{routes: [[{}]]}"), "notifications.routes[0]: [...]: a mapping"),
    "text for a route": (of_dev(notifications="{routes: [a]}"), 'notifications.routes[0]: "a": a mapping'),
    "text for inner routes": (
        of_dev(notifications="{routes: [{receiver: a, routes: [{routes: 7}]}]}"),
        "notifications.routes[0].routes[0].routes: 7: a list",
    ),
    # Keys.
    "a key twice": (
        of_dev(loki="{retention: 7d, retention: 8d}"),
        f"loki.retention: is given twice, in lines 3 and 3: {ONCE}",
    ),
    "a section twice": (
        of_dev(loki="{}") + f"  {PROJECT}:loki: {{}}\n",
        f"loki: is given twice, in lines 3 and 4: {ONCE}",
    ),
    "a section twice, once without the project": (
        of_dev(loki="{}") + "  loki: {}\n",
        f"loki: is given twice, in lines 3 and 4: {ONCE}",
    ),
    "a key twice in a list": (
        of_dev(slos="[{name: a, name: b}]"),
        f"slos[0].name: is given twice, in lines 3 and 3: {ONCE}",
    ),
    "a number for a key": (of_dev(loki="{labels: {1: a}}"), f"loki.labels.1: {QUOTED}"),
    "nothing for a key": (of_dev(loki="{labels: {~: a}}"), f"loki.labels.~: {QUOTED}"),
    "a list for a key": (of_dev(loki="{labels: {[1]: a}}"), f"loki.labels: {QUOTED}"),
    "a date for a key": (of_dev(loki="{labels: {2026-01-01: a}}"), f"loki.labels.2026-01-01: {QUOTED}"),
    "a word that other YAML takes for true": (
        of_dev(loki="{labels: {on: a}, on: b}"),
        "loki.on: unknown key: one of labels, ",
    ),
    "a line feed in a key": (of_dev(loki='{"a\\nb": 1}'), "loki.a\\nb: unknown key: one of "),
    "a line separator in the name of an alert": (of_dev(alerts='{"a\\Lb": off}'), "alerts.a\\u2028b: unknown alert"),
    "a key without end": (
        of_dev(loki=f"{{{'k' * 1000}: 1}}"),
        f"loki.{'k' * 57}...: a key of at most 317 characters",
    ),
    # Values.
    "a date": (of_dev(loki="{retention: 2026-01-01}"), f'loki.retention: "2026-01-01": {DATE}'),
    "a number past all floats": (
        of_dev(jaeger="{sampling: {percent: 1e400}}"),
        "jaeger.sampling.percent: Infinity: a finite number",
    ),
    "no number": (of_dev(alerts="{TargetDown: {warning: .nan}}"), "alerts.TargetDown.warning: NaN: a finite number"),
    "a number past 64 bits": (
        of_dev(prometheus="{limits: {samples: 100000000000000000000}}"),
        "prometheus.limits.samples: a number of at most 64 bits",
    ),
    "a number that rules cannot divide": (
        of_dev(alerts="{TargetDown: {warning: 1.0e+300}}"),
        "alerts.TargetDown.warning: a number of at most 64 bits",
    ),
    "a number that Python does not spell": (
        of_dev(prometheus=f"{{replicas: 0x{'f' * 5000}}}"),
        "prometheus.replicas: a number of at most 100 characters",
    ),
    "a character that ends texts": (
        of_dev(loki='{annotations: {a: "b\\0"}}'),
        "loki.annotations.a: text without control characters: U+0000 is one",
    ),
    "text without end": (
        of_dev(loki=f"{{annotations: {{a: {'x' * 70_000}}}}}"),
        "loki.annotations.a: text of at most 65536 characters",
    ),
    "a selector of blanks": (
        of_dev(loki='{streamRetention: [{selector: \'{a="b"' + " " * 50_000 + "', period: 2d}]}"),
        "loki.streamRetention[0].selector: ",
    ),
    "brackets that end PromQL's parser": (
        of_dev(slos=f"[{{name: a, objective: 99, total: {'sum(' * 10_000}, errors: b, owner: c}}]"),
        "slos[0].total: ",
    ),
    "a repetition past what is counted": (of_dev(logs="{drop: [{line: 'a{99999999999}'}]}"), "logs.drop[0].line: "),
    "brackets that end Python's parser": (
        of_dev(logs=f"{{continuation: ['{'(' * 2000}{')' * 2000}']}}"),
        "logs.continuation[0]: ",
    ),
    # YAML's own means.
    "a list in itself": (of_dev(slos="&a [*a]"), "slos[0]: an alias of a value that contains it"),
    "a mapping in itself": (of_dev(loki="&a {labels: *a}"), "loki.labels: an alias of a value that contains it"),
    "aliases of aliases": (
        of_dev(
            loki="{a: &a [x, x, x, x, x, x, x, x, x, x]"
            + "".join(
                f", {name}: &{name} [{', '.join([f'*{before}'] * 10)}]"
                for before, name in zip("abcdefg", "bcdefgh", strict=True)
            )
            + "}"
        ),
        "loki.e: at most 100000 values, those of an alias counted each time",
    ),
    "an object of Python": (of_dev(loki="!!python/object:os.system {}"), f'loki: "python/object:os.system": {NO_TAG}'),
    "bytes": (of_dev(cluster="{context: !!binary aGk=}"), f'cluster.context: "binary": {NO_TAG}'),
    "a set": (of_dev(loki="!!set {a}"), f'loki: "set": {NO_TAG}'),
    "a tag that is not true": (of_dev(loki="{replicas: !!int x}"), f'loki.replicas: "int": {NO_TAG}'),
    "fifty-one routes within routes": (
        of_dev(notifications=f"{'{routes: [' * 51}{']}' * 51}"),
        f"notifications{'.routes[0]' * 49}.routes[0].routes: at most 100 nested mappings and lists",
    ),
}
"""What ended in a traceback, a hang or a silent choice, by what it is."""


@pytest.mark.parametrize(("text", "said"), CASES.values(), ids=CASES)
def test_what_once_ended_otherwise_is_explained(path: Path, text: str, said: str) -> None:
    (line,) = outcome(path, text)
    assert line.startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "not YAML: line 1: more than 200 nested mappings and lists"),
        ('config: {a: "\\UFFFFFFFF"}', "not YAML: line 1: while parsing a quoted scalar, found invalid Unicode"),
        ('config: {a: "\\ud800"}', "not YAML: line 1: while parsing a quoted scalar, found invalid Unicode"),
        ("config: {a: \0}", "not YAML: "),
        ("config: *nobody", "not YAML: line 1: found undefined alias"),
        ("config: {}\n---\nconfig: {}", "not YAML: line 2: expected a single document"),
        ("config: {<<: 5}", "not YAML: line 1: while constructing a mapping, expected a mapping"),
        ("config: []", "no stack file: it needs keys like agent-observability:cluster below `config`"),
        ("- config", "no stack file: "),
        ("5", "no stack file: "),
    ],
)
def test_what_is_no_stack_file_is_explained(path: Path, text: str, said: str) -> None:
    (line,) = outcome(path, text)
    assert line.startswith(f"{path}: {said}")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("\ud800", "loki.tenant: text without control characters: U+D800 is one"),
        (b"a", "loki.tenant: \"b'a'\": text in quotes, or YAML takes it for something else"),
        (float("inf"), "loki.tenant: Infinity: a finite number"),
        (10**5000, "loki.tenant: a number of at most 64 bits"),
        ({10**5000: 1}, "loki.tenant: a key that is text: put it in quotes"),
    ],
    ids=["half a character", "bytes", "infinity", "a number without end", "such a number as key"],
)
def test_what_comes_from_elsewhere_than_yaml_is_explained_as_well(value: object, said: str) -> None:
    cluster = {"name": "a", "environment": "dev", "context": "a", "flavour": "kind"}
    assert said_of({"cluster": cluster, "loki": {"tenant": value}}) == [said]


def test_json_that_is_too_deep_or_too_long_for_python_is_text() -> None:
    for text in ("[" * 100_000, "1" * 5000):
        assert plain(text) == text
