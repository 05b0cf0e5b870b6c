"""A self-signed certificate for servers on loopback."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOST = "localhost"


@dataclass(frozen=True)
class Certificate:
    """Files of a certificate for ``localhost`` and 127.0.0.1, in PEM."""

    public: Path
    """For those who shall trust it."""
    key: Path

    @property
    def context(self) -> ssl.SSLContext:
        """For a server in this process."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.public, self.key)
        return context


def made(folder: Path) -> Certificate:
    """A new one in ``folder``, for two days."""
    certificate = Certificate(folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1", "-days", "2"),
            *("-keyout", str(certificate.key), "-out", str(certificate.public)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate
