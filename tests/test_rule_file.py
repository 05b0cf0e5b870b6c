"""Rule files: short in a state, and to Prometheus the same as if every rule were written out."""

from __future__ import annotations

import pytest
import yaml

from components.prometheus.rule_file import rule_file
from model.rules import Group
from model.yaml_text import Like, Repeated
from rules.render import rule_group
from tests.catalogue import place
from tests.dashboards import STACK

GROUPS = STACK.watched.groups


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_rule_file_has_every_rule_with_all_its_annotations(group: Group) -> None:
    assert yaml.safe_load(rule_file(group, place(STACK))) == {"groups": [rule_group(group, place(STACK))]}


def test_the_second_severity_of_an_alert_refers_to_the_first_by_the_alerts_name() -> None:
    (group,) = (each for each in GROUPS if each.name == "kubernetes-workloads")
    written = rule_file(group, place(STACK))
    assert "annotations: &KubernetesReplicasMissing\n" in written
    assert "annotations: {<<: *KubernetesReplicasMissing, threshold: above 0 %}\n" in written


def test_what_the_other_mapping_has_more_of_is_not_handed_on_in_silence() -> None:
    with pytest.raises(ValueError, match="not like the other one: summary"):
        Like(Repeated({"summary": "Orders fail."}), {"description": "Orders of the shop."})
