"""A stack whose teams own something of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings.stack import Refused, Settings, read
from model.rules import BaseAlert
from rules.systems import examples

DEV = {"name": "dev-1", "environment": "dev", "context": "kind-dev", "flavour": "kubeadm"}
TEAMS = {
    "shop": {"namespaces": ["shop", "shop-*"], "services": ["checkout"], "alerts": ["KubernetesJobFailed"]},
    "payments": {"namespaces": ["shop-payments"], "services": ["shop/checkout"], "systems": ["nodes", "agents"]},
}
OWNERS = {"podLabel": "example.com/team", "teams": TEAMS}


def stack(cluster: dict[str, str] = DEV, **sections: Any) -> Settings:
    return read({"cluster": cluster, "systems": examples(), "owners": OWNERS, **sections})


def alerts(settings: Settings) -> dict[str, BaseAlert]:
    return {alert.name: alert for alert in settings.watched.alerts}


def problems(**sections: Any) -> list[str]:
    with pytest.raises(Refused) as refused:
        stack(**sections)
    return refused.value.problems
