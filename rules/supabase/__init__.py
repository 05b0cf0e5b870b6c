"""Supabase: whether hosted projects and the parts of self-hosted ones answer, and have room."""

from __future__ import annotations

from rules.headline import Headline
from rules.supabase import alerts
from rules.supabase.scrape import SupabaseSettings, jobs, metrics
from rules.supabase.uids import SUPABASE
from rules.system import Surroundings, System, Watched


def build(settings: SupabaseSettings, _surroundings: Surroundings) -> Watched:
    scraped = tuple(jobs(settings))
    asked = tuple(metric for job in scraped for metric in metrics(job.name))
    hosted = any(project.ref for project in settings.projects.values())
    return Watched(
        scrape_jobs=scraped,
        groups=tuple(alerts.groups(metric.name for metric in asked)),
        metrics=asked,
        slos=(alerts.AVAILABILITY,) if hosted else (),
        inhibitions=alerts.INHIBITIONS,
    )


SYSTEM = System(
    key="supabase",
    title="Supabase",
    owner="database",
    settings=SupabaseSettings,
    example=SupabaseSettings.model_validate(
        {
            "projects": {
                "shop": {"ref": "abcdefghijklmnopqrst", "keySecret": {"name": "supabase-shop", "key": "secret-key"}},
                "own": {
                    "rest": {"address": "rest.supabase.svc:3001"},
                    "auth": {"address": "auth.supabase.svc:9100"},
                    "realtime": {
                        "address": "realtime.supabase.svc:4000",
                        "tokenSecret": {"name": "supabase-own", "key": "realtime-token"},
                    },
                    "storage": {"address": "storage.supabase.svc:5000"},
                    "pooler": {
                        "address": "supavisor.supabase.svc:4000",
                        "tokenSecret": {"name": "supabase-own", "key": "supavisor-token"},
                    },
                },
            }
        }
    ),
    dashboard=SUPABASE,
    headline=Headline(up="max(supabase_pg_up)"),
    build=build,
)
