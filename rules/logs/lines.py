"""Line filters of LogQL, shared by alerts, dashboards and saved queries.

Backticks, so that a regular expression stands as it is. No filter parses: a line that is no JSON would fail the query.
"""

from __future__ import annotations

# Loki and Grafana log the queries that they run, with all that these filters look for: they would find themselves.
EVERYTHING = '{namespace=~".+", app!~"grafana|loki"}'
"""Every stream that an alert reads; Loki wants one matcher that cannot be empty."""
ERRORS = '{namespace=~".+", level=~"error|fatal"}'
"""What programs call an error themselves; `level` is a label, so only these streams are read."""

# --- the audit log: what an agent backend writes about who did what (docs/logs.md) ---

AUDIT = '|~ `"event_type": ?"[A-Z_]+"`'
"""Any event."""
REFUSED_LOGINS = (
    "|~ `AUTH_GATEWAY_VALIDATION|Login failed`"
    # A gateway's event has its outcome in another field, before or after.
    ' |~ `Login failed|"status": ?"(ERROR|FAIL|DENIED)`'
)
TOOL_CALLS = "|= `MCP_TOOL_INVOKE_ATTEMPT`"
FORBIDDEN_TOOL_CALLS = f'{TOOL_CALLS} |~ `"status": ?"ERROR_FORBIDDEN"`'
ADMIN_TOOL_CALLS = f'{TOOL_CALLS} |~ `"tool_name": ?"([^"]*[^"a-z])?admin`'
"""Tools with a word in their name that begins with `admin`: `admin.delete_user`, `users_admin`."""
FORBIDDEN_ADMIN_TOOL_CALLS = f'{FORBIDDEN_TOOL_CALLS} |~ `"tool_name": ?"([^"]*[^"a-z])?admin`'
GUARDRAIL_VIOLATIONS = "|= `GUARDRAIL_VIOLATION_DETECTED`"

# --- programs that die ---

PANICS = (
    r"|~ `^panic: |^fatal error: |^Fatal Python error: |^thread '.*' panicked at "
    # The traceback of what nobody caught stands alone, or was put behind the last line of a program that logs JSON;
    # behind a line of text it may be one that somebody caught and logged.
    r"|(^|\}\n)Traceback \(most recent call last\):`"
)
OUT_OF_MEMORY = (
    r"|~ `OOMKilled|[Oo]ut of memory: Killed process|java\.lang\.OutOfMemoryError|JavaScript heap out of memory"
    r"|^fatal error: (runtime: )?(out of|cannot allocate) memory`"
)


def counted(filters: str, window: str, streams: str = EVERYTHING) -> str:
    """LogQL: the number of such lines per app in the last ``window``."""
    return f"sum by (cluster, namespace, app) (count_over_time({streams} {filters} [{window}]))"
