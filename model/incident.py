"""The address of the incident dashboard: an alert's name and labels are its variables."""

from __future__ import annotations

ALERT = "alert"
"""The variable whose options are the catalogue's alerts, by name."""
LABELS = ("namespace", "workload", "service", "app", "pod", "node", "instance", "agent", "slo")
"""Labels of an alert that are variables in boxes: those by which most alerts name their subject, and by which metrics,
lines and spans of it are found."""
ANY = ".*"
"""A box that no link fills."""
HANDED = ("cluster", "system", *LABELS)
"""All labels of an alert that set a variable of the same name."""
PANEL = "runbook"
"""The variable with the panel of the runbook, as its link has it: ``viewPanel=panel-1``."""
BEFORE_SECONDS, AFTER_SECONDS = 3600, 900
"""What a message's link shows before the start and after the end: changes are rarely found out within minutes, and an
end that is no end shows within a quarter of an hour."""
