"""The objectives of the platform's services, over what they count themselves."""

from __future__ import annotations

from collections.abc import Iterator

from model.quantities import Duration
from model.service_objectives import Requests, ServiceObjectives, service_slos
from model.slo import SHORT, Slo, Symptom, rate
from rules.agent_platform.contract import ERROR, EXECUTIONS, REQUEST_DURATION, REQUESTS, SERVICES
from rules.agent_platform.settings import AgentPlatformSettings
from rules.services.recordings import any_of

_NAME = "agent-platform"
_BY = ("namespace", "service")
_JOB = f'job="{SERVICES.job}"'


def slos(settings: AgentPlatformSettings) -> Iterator[Slo]:
    given = settings.objectives
    # A service that is up and fails is not available: requests are judged, and not whether a scrape succeeds.
    objectives = ServiceObjectives(availability=given.availability, latency=given.latency, by=_BY)
    yield from service_slos(_NAME, objectives, _requests(settings))
    if given.executions:
        counter = f"{EXECUTIONS.name}{{{_JOB}"
        yield Slo(
            name=f"{_NAME}-executions",
            objective=given.executions.ratio,
            by=_BY,
            events=rate(f"{counter}}}", _BY),
            errors=rate(f'{counter}, status="{ERROR}"}}', _BY),
            minimum_events=20,  # in a burn's long window: of fewer, one that fails is more than 5 %
            symptom=Symptom.ERRORS,
        )


def _requests(settings: AgentPlatformSettings) -> Requests:
    left_out = f', endpoint!~"{any_of(settings.execution_routes)}"' if settings.execution_routes else ""

    def in_time(limit: Duration) -> str:
        end = f"{limit.seconds:g}"
        # Client libraries spell a whole second 1 or 1.0.
        bucket = f'le="{end}"' if "." in end else rf'le=~"{end}(\\.0)?"'
        return f"rate({REQUEST_DURATION.name}_bucket{{{_JOB}{left_out}, {bucket}}}[{SHORT}])"

    return Requests(
        all=f"rate({REQUESTS.name}{{{_JOB}}}[{SHORT}])",
        failed=f'rate({REQUESTS.name}{{{_JOB}, status=~"5.."}}[{SHORT}])',
        timed=f"rate({REQUEST_DURATION.name}_count{{{_JOB}{left_out}}}[{SHORT}])",
        in_time=in_time,
    )
