"""What is watched, as data: one file per system. Nothing here imports Pulumi."""
