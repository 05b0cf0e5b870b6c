"""Accounts of the simulated cluster's API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tools.local.control_plane import ControlPlane
from tools.local.rendered import Rendered


@dataclass(frozen=True)
class Account:
    """A client of the Kubernetes API, with the API's address."""

    url: str
    ca: Path
    token: str

    @classmethod
    def admin(cls, cluster: ControlPlane) -> Account:
        return cls(cluster.url, cluster.ca, cluster.token)

    @classmethod
    def of(cls, cluster: ControlPlane, namespace: str, name: str) -> Account:
        """A service account of the applied stack, with its own rights only."""
        return cls(cluster.url, cluster.ca, cluster.token_for(namespace, name))

    @classmethod
    def granted(cls, cluster: ControlPlane, stack: Rendered, server: str) -> Account:
        """The service account of a server, which it applies with the stack's rights for it and no others."""
        (owner,) = (made for made in stack.of_kind("ServiceAccount") if made["metadata"]["name"] == server)
        subject = {"kind": "ServiceAccount", **{key: owner["metadata"][key] for key in ("name", "namespace")}}
        bindings = [made for made in stack.of_kind("ClusterRoleBinding") if subject in made["subjects"]]
        roles = {made["roleRef"]["name"] for made in bindings}
        cluster.namespace(subject["namespace"])
        named = (made for made in stack.of_kind("ClusterRole") if made["metadata"]["name"] in roles)
        cluster.apply(owner, *named, *bindings)
        return cls.of(cluster, subject["namespace"], server)

    def files(self, namespace: str) -> dict[str, str]:
        """The files that a pod gets for it."""
        return {"token": self.token, "ca.crt": self.ca.read_text(), "namespace": namespace}

    def kubeconfig(self, ca: Path, token: Path) -> str:
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority": str(ca)}}],
                "users": [{"name": "account", "user": {"tokenFile": str(token)}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "account"}}],
                "current-context": "test",
            }
        )
