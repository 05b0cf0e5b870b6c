"""Patterns of what is masked: prompts, completions, credentials, personal data. Regular expressions in Go's syntax.

The whole value of a key in :data:`KEYS` is masked. In other text only the matches of :data:`TEXT` are masked.
:data:`JSON_VALUE` finds these keys in JSON within a text.
"""

from __future__ import annotations

MASK = "****"
"""Replacement of masked text. The collector's redaction processor supports no other."""

_MESSAGES = (
    # GenAI conventions, the current ones and those up to 1.36: attributes of spans and of span events.
    r"gen_ai\.(?:input|output)\.messages",
    r"gen_ai\.system_instructions",
    r'gen_ai\.(?:prompt|completion)(?:\.\d+\.[^"]+)?',
    r"gen_ai\.tool\.call\.(?:arguments|result)",
    r"gen_ai\.(?:event\.content|retrieval\.query\.text)",
    # OpenInference's and OpenLLMetry's attributes.
    r'llm\.(?:input_messages|output_messages|prompts|completions|prompt_template)(?:\.[^"]+)?',
    r"(?:input|output)\.value",
    r"traceloop\.entity\.(?:input|output)",
)
"""Keys of messages between people and models, and of tools' arguments and results."""
_CREDENTIALS = (
    r'(?:[^"]*[._-])?(?:proxy[_-]?)?authorization',
    r'(?:[^"]*[._-])?(?:set[_-]?)?cookie',
    r'[^"]*(?:password|passwd|passphrase|api[_-]?key|access[_-]?key(?:[_-]?id)?|private[_-]?key|connection[_-]?string)',
    r'(?:[^"]*[._-])?pwd',
    r'[^"]*secret(?:[_-]?key)?',
    r'[^"]*(?:access|refresh|auth|bearer|session|security|csrf|id)[_-]?token',
    r'(?:[^"]*[._-])?(?:token|credentials?|dsn)',
)
_PERSONAL = (
    r'(?:[^"]*[._-])?(?:e-?mail(?:[_-]?address)?|phone(?:[_-]?number)?|iban|(?:credit[_-]?)?card[_-]?number|ssn)',
    r"user\.full_name",
)

KEYS = (*_MESSAGES, *_CREDENTIALS, *_PERSONAL)
"""Keys of attributes, and of JSON objects, whose whole value is masked. The whole key must match, in any case."""

_STRING = r'"(?:[^"\\]|\\.)*"'
# Between a name and its value, in text that is not JSON; JSON_VALUE masks JSON, which must stay valid. A quote after a
# backslash is one of JSON within a string.
_IS = r"""(?:\\+"|\\*')?\s*[:=]\s*"""
_NAMED = (
    r"(?i:(?:password|passwd|passphrase|pwd|api[_-]?key|access[_-]?key(?:[_-]?id)?|private[_-]?key"
    r"|client[_-]?secret|secret[_-]?key|(?:access|refresh|auth|session|security|id)[_-]?token))"
    rf"""{_IS}(?:{_STRING}|\\+"[^"]*"|'[^']*'|[^\s"',;&}}\]\\]+)"""
)
_OPEN = r"""\\*["']?"""

TEXT = (
    # Credentials.
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?",  # JSON web tokens
    rf"(?i:\bauthorization{_IS}{_OPEN}(?:[\w-]+ +)?[^\s\"'\\]+)",
    rf"(?i:\b(?:set-)?cookie{_IS}{_OPEN}[^\"'\\\r\n]+)",
    r"(?i:\bbearer\s+[\w.~+/=-]{16,})",
    _NAMED,
    rf"(?i:\btoken{_IS}{_OPEN}[\w.~+/=-]{{16,}})",  # shorter ones are words: `token: unexpected`
    r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@\"']*:[^\s/\"']+@",  # user and password of a URL
    r"\b[spr]k[-_][\w-]{16,}",  # OpenAI, Anthropic, Stripe and similar formats
    r"\b(?:gh[oprsu]_|github_pat_|glpat-|xox[a-z]-|hf_|npm_|AIza)[\w-]{16,}",
    r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b",  # AWS
    # Personal data.
    r"[\w.%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}",
    r"\+[1-9](?:[ ().-]{0,2}\d){7,14}\b",  # telephone numbers, international
    r"\(?\b[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}\b",  # and in North America's format
    r"\b(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|5\d{2}))[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b",  # cards
    r"\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b",
    r"\b[A-Z]{2}\d{2} ?[A-Z0-9]{4}(?: ?\d{4}){1,6}(?: ?[A-Z0-9]{1,4}){0,3}\b",  # IBAN
)
"""Patterns that are masked in any text."""
ANY_TEXT = "|".join(f"(?:{pattern})" for pattern in TEXT)
"""All patterns in one, for one pass over a text."""

IDENTIFIERS = r"(?i)^(?:trace|span|parent[._]?span)[._]?id$"
"""Keys of random ids: of ids with 16 hexadecimal digits, one in some 10 000 looks like a card number."""

MESSAGE_EVENT = r"^gen_ai\.(?:(?:system|user|assistant|tool)\.message|choice)$"
"""Events of the conventions up to 1.36, named after the speaker."""
MESSAGE_FIELDS = ("content", "tool_calls", "message", "arguments")
"""Fields of such an event that contain messages."""

# Maximum nesting of JSON in a value, after which the rest of the line is masked: a message, its parts, a tool's
# arguments, and a few levels of those.
_DEPTH = 8


def _nested(depth: int) -> str:
    inner = rf"|{_nested(depth - 1)}" if depth else ""
    return rf'[\[{{](?:[^"\[\]{{}}]|{_STRING}{inner})*[\]}}]'


_ESCAPED = r'\\+"(?:[^"\\]|\\+[^"\\])*\\+"'
_KEY = rf'\\*"(?i:{"|".join(KEYS)})\\*"\s*:\s*'
_VALUE = rf'{_STRING}|{_ESCAPED}|{_nested(_DEPTH)}|[\[{{"\\].*|[^\s,\[\]{{}}]+'
JSON_VALUE = f"{_KEY}({_VALUE})"
"""A key of KEYS in JSON. Its group is the value, or the rest of the line if the value does not end."""
JSON_KEY = f"({_KEY})(?:{_VALUE})"
"""The same, but its group is the key, for replacements that must restore the key."""
