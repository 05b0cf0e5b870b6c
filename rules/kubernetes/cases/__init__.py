"""Every rule of the system, tried: a file per subject, as the alerts have it."""

from __future__ import annotations

from rules.kubernetes.cases import capacity, control_plane, nodes, pods, recordings, workloads

CASES = (*pods.CASES, *workloads.CASES, *nodes.CASES, *capacity.CASES, *control_plane.CASES)
VALUES = recordings.VALUES
