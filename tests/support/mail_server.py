"""A mail server on loopback that keeps what it takes: with TLS from the first byte, by STARTTLS, or without; and with the faults of real ones."""

from __future__ import annotations

import base64
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Tls = Literal["starttls", "tls", "none"]


@dataclass
class MailServer:
    """What it took, and how it is to behave: `refuses` answers a verb so many times, `drops` closes after the text without an answer."""

    port: int = 0
    tls: Tls = "none"
    password: str = ""
    refuses: dict[str, list[str]] = field(default_factory=dict)
    drops: int = 0
    trust: ssl.SSLContext | None = None
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    """Every line that came in the clear."""

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for _, mail in self.taken]


class _Session(socketserver.StreamRequestHandler):
    """One conversation."""

    is_safe = signed_in = False

    def handle(self) -> None:
        served: MailServer = self.server.served  # type: ignore[attr-defined]
        if served.tls == "tls":
            self.wrap(served)
        to = ""
        self.say("220 mail.test")
        while line := self.rfile.readline().decode().strip():
            if not self.is_safe:
                served.heard.append(line)
            verb = line.split()[0].upper()
            if served.refuses.get(verb):
                self.say(served.refuses[verb].pop(0))
            elif verb == "EHLO":
                self.say(*self.offers(served))
            elif verb == "STARTTLS":
                self.say("220 go on")
                self.wrap(served)
            elif verb == "AUTH":
                self.signed_in = base64.b64decode(line.split()[2]).decode().split("\0")[2] == served.password
                self.say("235 welcome" if self.signed_in else "535 who are you")
            elif served.password and not self.signed_in and verb == "MAIL":
                self.say("530 sign in first")
            elif verb == "DATA":
                if not self.text(served, to):
                    return
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                to = line if verb == "RCPT" else to
                self.say("250 yes")

    def offers(self, served: MailServer) -> list[str]:
        offered = ["250-mail.test"]
        offered += ["250-STARTTLS"] if served.tls == "starttls" and not self.is_safe else []
        offered += ["250-AUTH PLAIN"] if served.password else []
        return [*offered, "250 SIZE"]

    def text(self, served: MailServer, to: str) -> bool:
        """False: the line is cut before the answer."""
        self.say("354 tell")
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        served.taken.append(
            (to.partition("<")[2].rstrip(">"), message_from_bytes(b"".join(lines), _class=EmailMessage, policy=policy.SMTP))
        )  # fmt: skip
        if served.drops:
            served.drops -= 1
            return False
        self.say("250 taken")
        return True

    def say(self, *lines: str) -> None:
        self.wfile.write(("\r\n".join(lines) + "\r\n").encode())
        self.wfile.flush()

    def wrap(self, served: MailServer) -> None:
        assert served.trust is not None
        self.request: socket.socket = served.trust.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb")  # type: ignore[assignment]
        self.is_safe = True


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    served: MailServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up."""


@contextmanager
def mail_server(tls: Tls = "none", password: str = "", certificate: Path | None = None) -> Iterator[MailServer]:
    """Runs in a thread of the test."""
    trust = None
    if certificate is not None:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.served = MailServer(server.server_address[1], tls, password, trust=trust)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server.served
        server.shutdown()
        thread.join(10)


def certificate(folder: Path) -> Path:
    """One for 127.0.0.1, which is its own authority."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")]),
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "mail.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    path.with_suffix(".key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return path
