"""The alerts over log lines, tried: one line more or less decides."""

from __future__ import annotations

from model.quantities import Duration
from model.rules import Severity
from rules.cases import Firing, GrafanaCase, Lines

_APP = {"namespace": "shop", "app": "backend"}
_STREAM = {**_APP, "container": "main", "level": "info"}
_ERRORS = _STREAM | {"level": "error"}

_REFUSED = '{"event_type": "AUTH_GATEWAY_VALIDATION", "user_id": "u-1", "status": "ERROR_INVALID_TOKEN"}'
_FORBIDDEN = '{"status":"ERROR_FORBIDDEN","tool_name":"search","user_id":"u-1","event_type":"MCP_TOOL_INVOKE_ATTEMPT"}'
_ADMIN = '{"event_type": "MCP_TOOL_INVOKE_ATTEMPT", "tool_name": "admin.delete_user", "status": "ERROR_FORBIDDEN"}'
_STOPPED = '{"event_type": "GUARDRAIL_VIOLATION_DETECTED", "status": "BLOCKED", "user_id": "u-1"}'
_PANIC = "panic: runtime error: index out of range [3]\n\ngoroutine 1 [running]:\nmain.main()"
_UNCAUGHT = '{"level": "info", "message": "starting"}\nTraceback (most recent call last):\n  File "run.py", line 1'
_CAUGHT = "ERROR tool failed\nTraceback (most recent call last):\n  File"
_KILLED = "Warning OOMKilled: container main of pod backend-0 was killed"


def _fires(severity: Severity, description: str, value: int) -> tuple[Firing, ...]:
    return (Firing(severity=severity, labels=_APP, description=description, value=str(value)),)


def _lines(text: str, times: int) -> tuple[Lines, ...]:
    return (Lines(labels=_STREAM, text=text, times=times),)


CASES = (
    GrafanaCase(
        alert="AuthenticationFailures",
        when="a hundred and one logins are refused",
        lines=_lines(_REFUSED, 101),
        subject=_APP,
        value=101,
        firing=_fires(Severity.CRITICAL, "shop/backend refused 101 logins in five minutes.", 101),
    ),
    GrafanaCase(
        alert="AuthenticationFailures",
        when="logins are refused in two ways, a hundred in all",
        lines=(*_lines(_REFUSED, 79), *_lines("Login failed for bob", 21)),
        subject=_APP,
        value=100,
        firing=_fires(Severity.WARNING, "shop/backend refused 100 logins in five minutes.", 100),
        quiet=(Severity.CRITICAL,),
    ),
    GrafanaCase(
        alert="AuthenticationFailures",
        when="twenty logins are refused among many that are not",
        lines=(*_lines(_REFUSED, 20), *_lines(_REFUSED.replace("ERROR_INVALID_TOKEN", "SUCCESS"), 200)),
        subject=_APP,
        value=20,
        quiet=(Severity.WARNING,),
    ),
    GrafanaCase(
        alert="AuthenticationFailures",
        when="Loki and Grafana log what they were asked for",
        lines=tuple(
            Lines(labels=_STREAM | {"app": app}, text=f'query="|~ Login failed {_REFUSED}"', times=30)
            for app in ("grafana", "loki")
        ),
        subject=_APP,
        value=None,
    ),
    GrafanaCase(
        alert="RbacDenials",
        when="fifty-one tool calls are forbidden",
        lines=_lines(_FORBIDDEN, 51),
        subject=_APP,
        value=51,
        firing=_fires(Severity.CRITICAL, "shop/backend forbade 51 tool calls in five minutes.", 51),
    ),
    GrafanaCase(
        alert="RbacDenials",
        when="fifty tool calls are forbidden",
        lines=_lines(_FORBIDDEN, 50),
        subject=_APP,
        value=50,
        firing=_fires(Severity.WARNING, "shop/backend forbade 50 tool calls in five minutes.", 50),
        quiet=(Severity.CRITICAL,),
    ),
    GrafanaCase(
        alert="RbacDenials",
        when="ten tool calls are forbidden, and others fail for other reasons",
        lines=(*_lines(_FORBIDDEN, 10), *_lines(_FORBIDDEN.replace("FORBIDDEN", "EXECUTION"), 100)),
        subject=_APP,
        value=10,
        quiet=(Severity.WARNING,),
    ),
    GrafanaCase(
        alert="GuardrailViolations",
        when="a guardrail strikes twenty-six times",
        lines=_lines(_STOPPED, 26),
        subject=_APP,
        value=26,
        firing=_fires(Severity.CRITICAL, "Guardrails of shop/backend struck 26 times in 5m.", 26),
    ),
    GrafanaCase(
        alert="GuardrailViolations",
        when="a guardrail strikes twenty-five times",
        lines=_lines(_STOPPED, 25),
        subject=_APP,
        value=25,
        firing=_fires(Severity.WARNING, "Guardrails of shop/backend struck 25 times in 5m.", 25),
        quiet=(Severity.CRITICAL,),
    ),
    GrafanaCase(
        alert="GuardrailViolations",
        when="a guardrail strikes five times, and many times before that",
        lines=(*_lines(_STOPPED, 5), Lines(labels=_STREAM, text=_STOPPED, times=50, ago=Duration.parse("6m"))),
        subject=_APP,
        value=5,
        quiet=(Severity.WARNING,),
    ),
    GrafanaCase(
        alert="AdminToolForbidden",
        when="somebody insists on an administrator's tool",
        lines=_lines(_ADMIN, 3),
        subject=_APP,
        value=3,
        firing=_fires(Severity.CRITICAL, "shop/backend forbade 3 calls of administrators' tools within 15 minutes.", 3),
    ),
    GrafanaCase(
        alert="AdminToolForbidden",
        when="somebody tries an administrator's tool twice",
        lines=_lines(_ADMIN, 2),
        subject=_APP,
        value=2,
        firing=_fires(Severity.WARNING, "shop/backend forbade 2 calls of administrators' tools within 15 minutes.", 2),
        quiet=(Severity.CRITICAL,),
    ),
    GrafanaCase(
        alert="AdminToolForbidden",
        when="an administrator uses such a tool, and somebody is forbidden to book badminton",
        lines=(
            *_lines(_ADMIN.replace("ERROR_FORBIDDEN", "SUCCESS"), 5),
            *_lines(_ADMIN.replace("admin.delete_user", "badminton.book"), 5),
        ),
        subject=_APP,
        value=None,
        quiet=(Severity.WARNING,),
    ),
    GrafanaCase(
        alert="ErrorLogSpike",
        when="a workload that was silent logs a hundred and one errors",
        lines=(Lines(labels=_ERRORS, text="card declined", times=101),),
        subject=_APP,
        value=101,
        firing=_fires(Severity.WARNING, "shop/backend logged 101 errors in five minutes.", 101),
    ),
    GrafanaCase(
        alert="ErrorLogSpike",
        when="a workload that was silent logs a hundred errors",
        lines=(Lines(labels=_ERRORS, text="card declined", times=100),),
        subject=_APP,
        value=100,
        quiet=(Severity.WARNING,),
    ),
    GrafanaCase(
        alert="ErrorLogSpike",
        when="a workload logs three times what it always does",
        lines=(
            Lines(labels=_ERRORS, text="card declined", times=300),
            Lines(labels=_ERRORS, text="as ever", times=1200, ago=Duration.parse("30m")),
        ),
        subject=_APP,
        value=300,
        firing=_fires(Severity.WARNING, "shop/backend logged 300 errors in five minutes.", 300),
    ),
    GrafanaCase(
        alert="ErrorLogSpike",
        when="a workload logs just less than three times what it always does",
        lines=(
            Lines(labels=_ERRORS, text="card declined", times=299),
            Lines(labels=_ERRORS, text="as ever", times=1200, ago=Duration.parse("30m")),
        ),
        subject=_APP,
        value=None,
        quiet=(Severity.WARNING,),
    ),
    GrafanaCase(
        alert="PanicLogged",
        when="one program panics, and one has a traceback that nobody caught",
        lines=(*_lines(_PANIC, 1), *_lines(_UNCAUGHT, 1)),
        subject=_APP,
        value=2,
        firing=_fires(Severity.WARNING, "shop/backend died 2 times in ten minutes.", 2),
    ),
    GrafanaCase(
        alert="PanicLogged",
        when="a program caught an exception and logged its traceback",
        lines=(*_lines(_CAUGHT, 5), *_lines("do not panic: all is well", 1)),
        subject=_APP,
        value=None,
        quiet=(Severity.WARNING,),
    ),
    GrafanaCase(
        alert="OutOfMemoryLogged",
        when="a container was killed for its memory",
        lines=_lines(_KILLED, 1),
        subject=_APP,
        value=1,
        firing=_fires(Severity.WARNING, "shop/backend tells of memory that ran out, 1 times in ten minutes.", 1),
    ),
    GrafanaCase(
        alert="OutOfMemoryLogged",
        when="a container was killed for its memory a quarter of an hour ago",
        lines=(Lines(labels=_STREAM, text=_KILLED, ago=Duration.parse("15m")), *_lines("memory at 92 %", 3)),
        subject=_APP,
        value=None,
        quiet=(Severity.WARNING,),
    ),
    GrafanaCase(
        alert="AuditLogGap",
        when="an app writes, but no audit event for an hour",
        lines=(*_lines("serving", 5), Lines(labels=_STREAM, text=_REFUSED, ago=Duration.parse("61m"))),
        subject=_APP,
        value=1,
        firing=(
            Firing(
                severity=Severity.WARNING,
                labels=_APP,
                description="shop/backend writes no audit events: what happens leaves no trace.",
            ),
        ),
    ),
    GrafanaCase(
        alert="AuditLogGap",
        when="the last audit event is not an hour old",
        lines=(Lines(labels=_STREAM, text=_REFUSED, ago=Duration.parse("59m")),),
        subject=_APP,
        value=None,
        quiet=(Severity.WARNING,),
    ),
)
