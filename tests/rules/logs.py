"""The alerts over log lines by example: one line more or less decides."""

from __future__ import annotations

from functools import partial

from model.quantities import Duration
from rules.logs.alerts import (
    ADMIN_TOOL_FORBIDDEN,
    AUTHENTICATION_FAILURES,
    ERROR_LOG_SPIKE,
    GUARDRAIL_VIOLATIONS,
    OUT_OF_MEMORY_LOGGED,
    PANIC_LOGGED,
    RBAC_DENIALS,
    AuditedApp,
    groups,
)
from tests.rules.examples import critical, example, logged, of, warning

_APP = {"namespace": "shop", "app": "backend"}
_STREAM = {**_APP, "container": "main", "level": "info"}
_info, _error = partial(logged, _STREAM), partial(logged, _STREAM | {"level": "error"})

_REFUSED = '{"event_type": "AUTH_GATEWAY_VALIDATION", "user_id": "u-1", "status": "ERROR_INVALID_TOKEN"}'
_FORBIDDEN = '{"status":"ERROR_FORBIDDEN","tool_name":"search","user_id":"u-1","event_type":"MCP_TOOL_INVOKE_ATTEMPT"}'
_ADMIN = '{"event_type": "MCP_TOOL_INVOKE_ATTEMPT", "tool_name": "admin.delete_user", "status": "ERROR_FORBIDDEN"}'
_STOPPED = '{"event_type": "GUARDRAIL_VIOLATION_DETECTED", "status": "BLOCKED", "user_id": "u-1"}'
_PANIC = "panic: runtime error: index out of range [3]\n\ngoroutine 1 [running]:\nmain.main()"
_UNCAUGHT = '{"level": "info", "message": "starting"}\nTraceback (most recent call last):\n  File "run.py", line 1'
_CAUGHT = "ERROR tool failed\nTraceback (most recent call last):\n  File"
_KILLED = "Warning OOMKilled: container main of pod backend-0 was killed"


((_AUDIT_LOG_GAP,),) = (
    group.rules for group in groups([AuditedApp(**_APP, within=Duration.parse("1h"))]) if group.name == "logs-audit"
)

OWNER = "platform"
OWNED_BY_OTHERS = {"RbacDenials": "agents", "GuardrailViolations": "agents", "AdminToolForbidden": "agents"}
EXAMPLES = (
    example(
        "a hundred and one logins are refused",
        AUTHENTICATION_FAILURES,
        lines=[_info(_REFUSED, 101)],
        gives={of(_APP): 101},
        fires=[critical("shop/backend refused 101 logins in five minutes.", "101", **_APP)],
    ),
    example(
        "logins are refused in two ways, a hundred in all",
        AUTHENTICATION_FAILURES,
        lines=[_info(_REFUSED, 79), _info("Login failed for bob", 21)],
        gives={of(_APP): 100},
        fires=[warning("shop/backend refused 100 logins in five minutes.", "100", **_APP)],
    ),
    example(
        "twenty-one logins are refused",
        AUTHENTICATION_FAILURES,
        lines=[_info(_REFUSED, 21)],
        gives={of(_APP): 21},
        fires=[warning("shop/backend refused 21 logins in five minutes.", "21", **_APP)],
    ),
    example(
        "twenty logins are refused among many that are not",
        AUTHENTICATION_FAILURES,
        lines=[_info(_REFUSED, 20), _info(_REFUSED.replace("ERROR_INVALID_TOKEN", "SUCCESS"), 200)],
        gives={of(_APP): 20},
    ),
    example(
        "Loki and Grafana log what they were asked for",
        AUTHENTICATION_FAILURES,
        lines=[
            logged(_STREAM | {"app": app}, f'query="|~ Login failed {_REFUSED}"', 30) for app in ("grafana", "loki")
        ],
        gives={},
        near=False,
    ),
    example(
        "fifty-one tool calls are forbidden",
        RBAC_DENIALS,
        lines=[_info(_FORBIDDEN, 51)],
        gives={of(_APP): 51},
        fires=[critical("shop/backend forbade 51 tool calls in five minutes.", "51", **_APP)],
    ),
    example(
        "fifty tool calls are forbidden",
        RBAC_DENIALS,
        lines=[_info(_FORBIDDEN, 50)],
        gives={of(_APP): 50},
        fires=[warning("shop/backend forbade 50 tool calls in five minutes.", "50", **_APP)],
    ),
    example(
        "eleven tool calls are forbidden",
        RBAC_DENIALS,
        lines=[_info(_FORBIDDEN, 11)],
        gives={of(_APP): 11},
        fires=[warning("shop/backend forbade 11 tool calls in five minutes.", "11", **_APP)],
    ),
    example(
        "ten tool calls are forbidden, and others fail for other reasons",
        RBAC_DENIALS,
        lines=[_info(_FORBIDDEN, 10), _info(_FORBIDDEN.replace("FORBIDDEN", "EXECUTION"), 100)],
        gives={of(_APP): 10},
    ),
    example(
        "a guardrail strikes twenty-six times",
        GUARDRAIL_VIOLATIONS,
        lines=[_info(_STOPPED, 26)],
        gives={of(_APP): 26},
        fires=[critical("shop/backend logged 26 violations in five minutes.", "26", **_APP)],
    ),
    example(
        "a guardrail strikes twenty-five times",
        GUARDRAIL_VIOLATIONS,
        lines=[_info(_STOPPED, 25)],
        gives={of(_APP): 25},
        fires=[warning("shop/backend logged 25 violations in five minutes.", "25", **_APP)],
    ),
    example(
        "a guardrail strikes six times",
        GUARDRAIL_VIOLATIONS,
        lines=[_info(_STOPPED, 6)],
        gives={of(_APP): 6},
        fires=[warning("shop/backend logged 6 violations in five minutes.", "6", **_APP)],
    ),
    example(
        "a guardrail strikes five times, and many times before that",
        GUARDRAIL_VIOLATIONS,
        lines=[_info(_STOPPED, 5), _info(_STOPPED, 50, "6m")],
        gives={of(_APP): 5},
    ),
    example(
        "somebody insists on an administrator's tool",
        ADMIN_TOOL_FORBIDDEN,
        lines=[_info(_ADMIN, 3)],
        gives={of(_APP): 3},
        fires=[critical("shop/backend forbade 3 calls of administrators' tools within 15 minutes.", "3", **_APP)],
    ),
    example(
        "somebody tries an administrator's tool twice",
        ADMIN_TOOL_FORBIDDEN,
        lines=[_info(_ADMIN, 2)],
        gives={of(_APP): 2},
        fires=[warning("shop/backend forbade 2 calls of administrators' tools within 15 minutes.", "2", **_APP)],
    ),
    example(
        "an administrator uses such a tool, and somebody is forbidden to book badminton",
        ADMIN_TOOL_FORBIDDEN,
        lines=[
            _info(_ADMIN.replace("ERROR_FORBIDDEN", "SUCCESS"), 5),
            _info(_ADMIN.replace("admin.delete_user", "badminton.book"), 5),
        ],
        gives={},
    ),
    example(
        "a workload that was silent logs a hundred and one errors",
        ERROR_LOG_SPIKE,
        lines=[_error("card declined", 101)],
        gives={of(_APP): 101},
        fires=[warning("shop/backend logged 101 errors in five minutes.", "101", **_APP)],
    ),
    example(
        "a workload that was silent logs a hundred errors",
        ERROR_LOG_SPIKE,
        lines=[_error("card declined", 100)],
        gives={of(_APP): 100},
    ),
    example(
        "a workload logs three times what it always does",
        ERROR_LOG_SPIKE,
        lines=[
            _error("card declined", 300),
            _error("as ever", 1200, "30m"),
        ],
        gives={of(_APP): 300},
        fires=[warning("shop/backend logged 300 errors in five minutes.", "300", **_APP)],
    ),
    example(
        "a workload logs just less than three times what it always does",
        ERROR_LOG_SPIKE,
        lines=[
            _error("card declined", 299),
            _error("as ever", 1200, "30m"),
        ],
        gives={},
    ),
    example(
        "one program panics, and one has a traceback that nobody caught",
        PANIC_LOGGED,
        lines=[_info(_PANIC), _info(_UNCAUGHT)],
        gives={of(_APP): 2},
        fires=[warning("shop/backend crashed 2 times in ten minutes.", "2", **_APP)],
    ),
    example(
        "a program caught an exception and logged its traceback",
        PANIC_LOGGED,
        lines=[_info(_CAUGHT, 5), _info("do not panic: all is well")],
        gives={},
    ),
    example(
        "a container was killed for its memory",
        OUT_OF_MEMORY_LOGGED,
        lines=[_info(_KILLED)],
        gives={of(_APP): 1},
        fires=[warning("shop/backend logged 1 out-of-memory errors in ten minutes.", "1", **_APP)],
    ),
    example(
        "a container was killed for its memory a quarter of an hour ago",
        OUT_OF_MEMORY_LOGGED,
        lines=[_info(_KILLED, ago="15m"), _info("memory at 92 %", 3)],
        gives={},
    ),
    example(
        "an app writes, but no audit event for an hour",
        _AUDIT_LOG_GAP,
        lines=[_info("serving", 5), _info(_REFUSED, ago="61m")],
        gives={of(_APP): 1},
        fires=[warning("shop/backend writes no audit events: actions leave no trace.", **_APP)],
    ),
    example(
        "the last audit event is not an hour old",
        _AUDIT_LOG_GAP,
        lines=[_info(_REFUSED, ago="59m")],
        gives={},
    ),
)
