"""`pulumi up`, and all that follows it, with the real engine: it ends, does what it says, and then changes nothing.

On a simulated cluster, and a real Grafana where one can be had. Each stack is lived through once; tests look at what
was seen on the way. Changes are made to the stacks of the checkout only: the others are there for what they set.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.settings.stack import Settings
from tests import stack_settings
from tools.local.control_plane import ControlPlane
from tools.local.engine import SAVED_AT_THE_END, Deployment, Step
from tools.local.grafana import Grafana, running
from tools.local.rendered import STACKS
from tools.recorder import ROOT
from tools.servers.find import NotHad

# Four times what it takes on two busy cores: an engine that hangs is ended, and says where it stood.
pytestmark = pytest.mark.timeout(900)

KINDS = (
    "namespaces,deployments,statefulsets,daemonsets,services,configmaps,secrets,serviceaccounts,ingresses,"
    "networkpolicies,poddisruptionbudgets,persistentvolumeclaims,persistentvolumes,clusterroles,clusterrolebindings"
)
"""Every kind of object that a stack has, or that comes of what it has."""


AS_USERS_HAVE_IT = "dev"
"""The stack whose state is written after each resource, which for the others would take minutes."""


@dataclass(frozen=True)
class Life:
    """What was seen of a stack, from its first preview to the end."""

    stack: str
    steps: Mapping[str, Step]
    secrets: Mapping[str, str] = field(repr=False)
    state: str = field(repr=False)
    """As it lay in the backend after the first update."""
    filled: Mapping[str, int]
    """How many things the real Grafana had then, by kind; empty where none can be had."""
    empty: frozenset[str]
    """Kind and name of all that the cluster had before."""
    left: frozenset[str]
    """The same, after it was destroyed."""
    forgotten: frozenset[str]
    """The same, after the README's command for what destroy leaves."""


def objects(plane: ControlPlane) -> frozenset[str]:
    found = plane.get(KINDS, "--all-namespaces")["items"]
    # Every namespace gets these from a controller.
    own = ("default", "kube-root-ca.crt")
    return frozenset(
        f"{made['kind']} {made['metadata']['name']}" for made in found if made["metadata"]["name"] not in own
    )


def in_grafana(grafana: Grafana) -> dict[str, int]:
    asked = {
        "folders": "/api/folders",
        "datasources": "/api/datasources",
        "dashboards": "/api/search?type=dash-db&limit=5000",
        "rules": "/api/v1/provisioning/alert-rules",
    }
    return {kind: len(grafana.get(path)) for kind, path in asked.items()}


@contextmanager
def lived(name: str, folder: Path) -> Iterator[Life]:
    with ControlPlane(folder / "control-plane") as plane, running(folder / "grafana") as grafana:
        furnish(plane, stack_settings.settings(name))
        empty = objects(plane)
        given = {"config": stack_settings.config(name), "secrets": stack_settings.secrets(name)}
        more = {} if name == AS_USERS_HAVE_IT else SAVED_AT_THE_END
        engine = Deployment(folder, name, plane, grafana, **given, more=more)
        steps = {"preview": engine.preview(), "up": engine.up()}
        state, filled = engine.state(), in_grafana(grafana) if engine.fills_grafana else {}
        steps |= {"again": engine.up(), "refresh": engine.preview(refresh=True)}
        if name in STACKS:
            engine.config["prometheus"]["scrapeInterval"] = "20s"
            engine.write()
            steps["another interval"] = engine.up()
            engine.config["systems"]["nodes"] = None
            engine.write()
            steps["without nodes"] = engine.up()
        steps["destroy"] = engine.destroy()
        left = objects(plane)
        forget(plane, stack_settings.settings(name).cluster.namespaces.stack)
        yield Life(name, steps, engine.secrets, state, filled, empty, left, objects(plane))


def furnish(plane: ControlPlane, settings: Settings) -> None:
    """Give the cluster what the stack file says that it has."""
    cluster = settings.cluster
    # One for each claim of the largest stack, and some to spare.
    plane.supply_volumes(20, *filter(None, [cluster.storage_class]))
    for label, value in cluster.node_selector.items():
        plane.kubectl("label", "nodes", "--all", f"{label}={value}")
    if priority := settings.prometheus.priority_class:
        about = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": priority}}
        plane.apply({**about, "value": 1000})


def forget(plane: ControlPlane, namespace: str) -> None:
    """The command that the README gives, for the cluster of this test and the stack's namespace."""
    (command,) = re.findall(
        r"^    (kubectl get persistentvolumes (?:.+\\\n)*.+)$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    environment = {
        "KUBECONFIG": str(plane.kubeconfig),
        "HOME": str(plane.directory),
        "PATH": f"{plane.kubectl_folder}:/usr/bin:/bin",
    }
    command = command.replace('"monitoring"', f'"{namespace}"')
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], env=environment, check=True, capture_output=True)


@pytest.fixture(scope="module", params=stack_settings.RECORDED)
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with lived(request.param, tmp_path_factory.mktemp(f"engine-{request.param}")) as seen:
        yield seen


of_the_checkout = pytest.mark.parametrize("life", STACKS, indirect=True, scope="module")


def test_a_first_update_ends_and_makes_all_that_the_preview_says(life: Life) -> None:
    assert life.steps["up"].done.keys() == {"create"}
    assert life.steps["up"].done == life.steps["preview"].done


def test_a_second_update_and_a_refresh_change_nothing(life: Life) -> None:
    assert life.steps["again"].changed == frozenset(), life.steps["again"].said
    assert life.steps["refresh"].done.keys() <= {"same", "refresh"}, life.steps["refresh"].said


@of_the_checkout
def test_another_scrape_interval_changes_only_what_carries_it(life: Life) -> None:
    changed = life.steps["another interval"]
    assert changed.done.keys() == {"same", "update"}, "nothing is replaced"
    assert changed.changed == {"prometheus-config", "grafana-content-datasource-prometheus"}


@of_the_checkout
def test_a_system_that_is_turned_off_takes_all_of_it_along(life: Life) -> None:
    gone = life.steps["without nodes"].done["delete"]
    assert {name for name in gone if name.startswith("node-exporter")}
    assert {"grafana-content-dashboard-nodes", "grafana-content-dashboard-runbooks-nodes"} <= gone
    assert "replace" not in life.steps["without nodes"].done


def test_nothing_is_left_but_the_volumes_that_their_class_keeps(life: Life) -> None:
    assert life.left == life.empty, "namespaces, claims and secrets are gone; volumes are the cluster's"


def test_the_readme_says_how_to_remove_the_volumes_too(life: Life) -> None:
    gone = life.left - life.forgotten
    assert gone
    assert {each.partition(" ")[0] for each in gone} == {"PersistentVolume"}


@of_the_checkout
def test_the_state_is_small_enough_to_be_written_for_every_resource(life: Life) -> None:
    """A backend of files or a bucket does so twice: seconds for each further megabyte."""
    assert len(life.state) < 3.2e6


def test_no_secret_is_in_an_exported_state(life: Life) -> None:
    for key, secret in life.secrets.items():
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            assert form not in life.state, key


def test_the_real_grafana_has_all_that_was_put_into_it(life: Life) -> None:
    if not life.filled:
        raise NotHad(
            "grafana", "`grafana` and `pulumi-resource-grafana` are not both here; README says how to have them"
        )
    made = life.steps["up"].done["create"]
    for kind, part in {"folders": "-folder-", "datasources": "-datasource-", "dashboards": "-dashboard-"}.items():
        assert life.filled[kind] == sum(part in name for name in made), kind
    assert life.filled["rules"]
