"""How the sender of a webhook signs it, apart, since a sample application imports nothing else of the project."""

from __future__ import annotations

import hashlib
import hmac

SECRET = b"shared-with-the-sender"


def signature(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()
