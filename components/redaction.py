"""What never reaches a store: prompts, completions, credentials, personal data. Regular expressions as Go reads them.

A value goes as a whole when its key says what it is (:data:`KEYS`); in any other text, what looks like a secret goes
and the rest stays (:data:`TEXT`). Where JSON stands within a text, :data:`JSON_VALUE` finds the keys there.
"""

from __future__ import annotations

MASK = "****"
"""What stands where something was; the collector's redaction knows no other."""

_MESSAGES = (
    # The conventions as they are, and as they were until 1.36: attributes of spans and of their events.
    r"gen_ai\.(?:input|output)\.messages",
    r"gen_ai\.system_instructions",
    r'gen_ai\.(?:prompt|completion)(?:\.\d+\.[^"]+)?',
    r"gen_ai\.tool\.call\.(?:arguments|result)",
    r"gen_ai\.(?:event\.content|retrieval\.query\.text)",
    # OpenInference's and OpenLLMetry's own.
    r'llm\.(?:input_messages|output_messages|prompts|completions|prompt_template)(?:\.[^"]+)?',
    r"(?:input|output)\.value",
    r"traceloop\.entity\.(?:input|output)",
)
"""Keys of what people and models say to each other, and of what tools are told and answer."""
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
"""Keys of attributes, and of JSON objects, whose value is masked as a whole; whole keys, in any case."""

_STRING = r'"(?:[^"\\]|\\.)*"'
# Between a name and its value, where the name is no key of JSON: those are JSON_VALUE's, so that JSON stays JSON.
# With a backslash the quote is one of JSON within a string.
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
    r"\b[spr]k[-_][\w-]{16,}",  # OpenAI, Anthropic, Stripe and those who spell theirs alike
    r"\b(?:gh[oprsu]_|github_pat_|glpat-|xox[a-z]-|hf_|npm_|AIza)[\w-]{16,}",
    r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b",  # AWS
    # Personal data.
    r"[\w.%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}",
    r"\+[1-9](?:[ ().-]{0,2}\d){7,14}\b",  # telephone numbers, international
    r"\(?\b[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}\b",  # and as North America writes them
    r"\b(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|5\d{2}))[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b",  # cards
    r"\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b",
    r"\b[A-Z]{2}\d{2} ?[A-Z0-9]{4}(?: ?\d{4}){1,6}(?: ?[A-Z0-9]{1,4}){0,3}\b",  # IBAN
)
"""What is masked wherever it stands in a text."""
ANY_TEXT = "|".join(f"(?:{pattern})" for pattern in TEXT)
"""All of them at once: one pass over a text."""

IDENTIFIERS = r"(?i)^(?:trace|span|parent[._]?span)[._]?id$"
"""Keys of what is random: of ids of 16 hexadecimal digits, one in some 10 000 reads like the number of a card."""

MESSAGE_EVENT = r"^gen_ai\.(?:(?:system|user|assistant|tool)\.message|choice)$"
"""Events of the conventions until 1.36, named after who speaks."""
MESSAGE_FIELDS = ("content", "tool_calls", "message", "arguments")
"""What of such an event is said, and not about it."""

# How deep the JSON of a value nests before the rest of the line goes with it: a message, its parts, a tool's arguments,
# and a few levels of those.
_DEPTH = 8


def _nested(depth: int) -> str:
    inner = rf"|{_nested(depth - 1)}" if depth else ""
    return rf'[\[{{](?:[^"\[\]{{}}]|{_STRING}{inner})*[\]}}]'


_ESCAPED = r'\\+"(?:[^"\\]|\\+[^"\\])*\\+"'
_KEY = rf'\\*"(?i:{"|".join(KEYS)})\\*"\s*:\s*'
_VALUE = rf'{_STRING}|{_ESCAPED}|{_nested(_DEPTH)}|[\[{{"\\].*|[^\s,\[\]{{}}]+'
JSON_VALUE = f"{_KEY}({_VALUE})"
"""A key of KEYS in JSON; its group is the value, or, where that does not end, the rest of the line."""
JSON_KEY = f"({_KEY})(?:{_VALUE})"
"""The same, but its group is the key: for those who replace all that they find, and must put that back."""
