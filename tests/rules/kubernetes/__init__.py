"""Every rule of the system by example: a file per subject, as the alerts have it."""

from __future__ import annotations

from tests.rules.kubernetes import capacity, control_plane, nodes, pods, recordings, usage, workloads

OWNER = "platform"
EXAMPLES = (
    *usage.EXAMPLES,
    *pods.EXAMPLES,
    *workloads.EXAMPLES,
    *nodes.EXAMPLES,
    *capacity.EXAMPLES,
    *control_plane.EXAMPLES,
    *recordings.EXAMPLES,
)
