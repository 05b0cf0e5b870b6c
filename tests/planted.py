"""What must never reach a store, planted by tests; none of it is anybody's."""

from __future__ import annotations

import json
from typing import Any

PLANTED = {
    "openai": "sk-proj-Zx81kQhW2mN4vT7yB0cD",
    "github": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "bearer": "Bearer 9f8c7d6e5b4a39281706f5e4d3c2b1a0",
    "url": "postgres://shop:hunter2@db.shop.svc:5432/shop",
    "assignment": "password=correct-horse-battery",
    "email": "ada.lovelace@example.org",
    "phone": "+49 170 1234567",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
}
"""What is a secret wherever it stands."""
SECRET_PARTS = [
    "Zx81kQhW2mN4vT7yB0cD",
    "16C7e42F292c6912",
    "IOSFODNN7",
    "eyJzdWIi",
    "9f8c7d6e5b4a3928",
    "hunter2",
    "correct-horse",
    "lovelace",
    "1234567",
    "1111 1111",
    "0532 0130",
]
SAID = "TELL-ME-A-SECRET"
"""What is one only by where it stands: what people and models say."""
MESSAGES = [{"role": "user", "parts": [{"type": "text", "content": SAID}]}]
BY_KEY: dict[str, Any] = {
    "gen_ai.input.messages": MESSAGES,
    "gen_ai.output.messages": json.dumps(MESSAGES),
    "gen_ai.system_instructions": [{"type": "text", "content": SAID}],
    "gen_ai.prompt": SAID,
    "gen_ai.prompt.0.content": SAID,
    "gen_ai.completion": SAID,
    "gen_ai.tool.call.arguments": {"city": SAID},
    "gen_ai.tool.call.result": f'{{"found": "{SAID}"}}',
    "http.request.header.authorization": [SAID],
    "db.password": SAID,
    "apiKey": SAID,
    "user.email": SAID,
}
KEPT = {
    "gen_ai.usage.input_tokens": 4242,
    "gen_ai.request.model": "model-x",
    "gen_ai.prompt.name": "greeting",
    "order": "A-1000-2000",
}
"""What is no secret, though some of it looks a bit like one."""
