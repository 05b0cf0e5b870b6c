"""Secrets that the stack generates."""

from __future__ import annotations

import base64
from secrets import token_urlsafe

from pulumi import Output, ResourceOptions
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

# 192 bits cannot be guessed, and are far below Grafana's maximum length of a password.
GENERATED_BYTES = 24


def generated(resource: str, metadata: ObjectMetaArgsDict, key: str, opts: ResourceOptions) -> Secret:
    """A Kubernetes Secret with a random value that is generated once, then kept in the state and in the cluster."""
    value = Output.secret(base64.b64encode(token_urlsafe(GENERATED_BYTES).encode()).decode())
    return Secret(
        resource,
        metadata=metadata,
        data={key: value},
        # Every run generates another value; the first one stays. The type, which the API adds, would
        # otherwise replace the Secret after an import.
        opts=ResourceOptions.merge(opts, ResourceOptions(ignore_changes=["data", "type"])),
    )


def value(secret: Secret, key: str) -> Output[str]:
    """The generated value."""
    return Output.secret(secret.data.apply(lambda data: base64.b64decode(data[key]).decode()))
