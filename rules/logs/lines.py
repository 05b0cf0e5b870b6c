"""Line filters of LogQL, shared by alerts, dashboards and saved queries.

In backticks, regular expressions need no escapes. No filter parses: a line that is not JSON would fail the query.
"""

from __future__ import annotations

from model.logs import EVENTS_APP

NOT_PROGRAMS = f"grafana|loki|{EVENTS_APP}"
"""Apps that no alert on lines reads. Loki and Grafana log the queries that they run, so the filters would find
themselves. Events repeat what a controller knows, and metrics say that."""
EVERYTHING = f'{{namespace=~".+", app!~"{NOT_PROGRAMS}"}}'
"""Every stream that alerts read. Loki needs one matcher that does not match an empty value."""
ERRORS = '{namespace=~".+", level=~"error|fatal"}'
"""Lines that programs log as errors. `level` is a label, so other streams are not read."""

# --- audit events of an agent backend (docs/logs.md) ---

AUDIT = '|~ `"event_type": ?"[A-Z_]+"`'
"""Any event."""
REFUSED_LOGINS = (
    "|~ `AUTH_GATEWAY_VALIDATION|Login failed`"
    # The outcome of a gateway's event is in another field, before or after the type.
    ' |~ `Login failed|"status": ?"(ERROR|FAIL|DENIED)`'
)
TOOL_CALLS = "|= `MCP_TOOL_INVOKE_ATTEMPT`"
FORBIDDEN_TOOL_CALLS = f'{TOOL_CALLS} |~ `"status": ?"ERROR_FORBIDDEN"`'
ADMIN_TOOL_CALLS = f'{TOOL_CALLS} |~ `"tool_name": ?"([^"]*[^"a-z])?admin`'
"""Tools whose name contains a word that begins with `admin`: `admin.delete_user`, `users_admin`."""
FORBIDDEN_ADMIN_TOOL_CALLS = f'{FORBIDDEN_TOOL_CALLS} |~ `"tool_name": ?"([^"]*[^"a-z])?admin`'
GUARDRAIL_VIOLATIONS = "|= `GUARDRAIL_VIOLATION_DETECTED`"

# --- programs that crash ---

PANICS = (
    r"|~ `^panic: |^fatal error: |^Fatal Python error: |^thread '.*' panicked at "
    # An uncaught traceback is a line of its own, or follows a JSON line (the collector joins the two). After a line of
    # text it may be a traceback that the program caught and logged.
    r"|(^|\}\n)Traceback \(most recent call last\):`"
)
OUT_OF_MEMORY = (
    r"|~ `OOMKilled|[Oo]ut of memory: Killed process|java\.lang\.OutOfMemoryError|JavaScript heap out of memory"
    r"|^fatal error: (runtime: )?(out of|cannot allocate) memory`"
)


def counted(filters: str, window: str, streams: str = EVERYTHING) -> str:
    """LogQL: number of lines per app in the last ``window``, such as ``5m``."""
    return f"sum by (cluster, namespace, app) (count_over_time({streams} {filters} [{window}]))"
