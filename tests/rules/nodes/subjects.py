"""What the examples of this system are about: the node ``n-1`` and its disk."""

from __future__ import annotations

from tests.rules.examples import Labels

NODE: Labels = {"job": "node-exporter", "instance": "10.0.0.1:9100", "node": "n-1"}
DISK: Labels = NODE | {"device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/"}
