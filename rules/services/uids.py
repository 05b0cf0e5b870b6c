"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import DashboardUid

SERVICES = DashboardUid("services")
ONE_SERVICE = DashboardUid("service")
SERVICES_DEPENDENCIES = DashboardUid("services-dependencies")
SERVICES_CAPACITY = DashboardUid("services-capacity")
