"""Sends a message as a mail. What makes a repeat harmless: the Message-ID is the message's own, so that mail programs show it once.

Everything up to the end of the mail's text can be repeated: a server that has not said that it takes a mail has not taken it. Who loses the
line between the last dot and the answer does not know, and that is `Unseen`.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from console.notify.notice import Notice, NotTaken, Unseen
from console.notify.smtp_settings import SmtpSettings

STEP_S = 15.0
_ACCEPTED = 250


class Mail:
    """One mail to one address; each has a conversation of its own."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    @property
    def is_ready(self) -> bool:
        return bool(self._settings.host)

    async def send(self, address: str, secret_of: str, message: Notice) -> None:
        if not self.is_ready:
            raise NotTaken("This installation knows no mail server: set MILLRACE_SMTP__HOST.")
        written = _written(self._settings.sender, address, message)
        # The library waits for sockets, so it has a thread; each of its steps has an end of its own.
        await asyncio.to_thread(self._deliver, address, written)

    def _deliver(self, address: str, written: bytes) -> None:
        with _refusals():
            session = self._opened()
        try:
            with _refusals():
                self._introduced(session, address)
            _handed_over(session, written)
            _parted(session)
        finally:
            session.close()

    def _opened(self) -> smtplib.SMTP:
        settings, trust = self._settings, ssl.create_default_context()
        if settings.ca_file is not None:
            trust.load_verify_locations(settings.ca_file)
        if settings.tls == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=STEP_S, context=trust)
        session = smtplib.SMTP(settings.host, settings.port, timeout=STEP_S)
        try:
            if settings.tls == "starttls":
                session.starttls(context=trust)
        except BaseException:
            session.close()
            raise
        return session

    def _introduced(self, session: smtplib.SMTP, address: str) -> None:
        if self._settings.user:
            session.login(self._settings.user, self._settings.password.reveal())
        session.ehlo_or_helo_if_needed()
        for code, said in (session.mail(self._settings.sender), session.rcpt(address)):
            if code // 100 != 2:
                raise smtplib.SMTPResponseException(code, said)


def _handed_over(session: smtplib.SMTP, written: bytes) -> None:
    try:
        code, said = session.data(written)
    except smtplib.SMTPResponseException as refused:
        # Before the text: the server did not want to hear it.
        raise NotTaken(_said(refused.smtp_code, refused.smtp_error)) from refused
    except (OSError, smtplib.SMTPException) as lost:
        raise Unseen(f"The mail server's last answer was lost ({type(lost).__name__}).") from lost
    if code != _ACCEPTED:
        raise NotTaken(_said(code, said))


def _parted(session: smtplib.SMTP) -> None:
    try:
        session.quit()
    except (OSError, smtplib.SMTPException):
        # It has the mail; how it parts is its own affair.
        return


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPResponseException as refused:
        raise NotTaken(_said(refused.smtp_code, refused.smtp_error)) from refused
    except ssl.SSLError as unsafe:
        raise NotTaken(f"The mail server's TLS is not to be trusted: {unsafe.reason or unsafe}.") from unsafe
    except (OSError, smtplib.SMTPException) as away:
        raise NotTaken(f"The mail server was not reached ({type(away).__name__}: {away}).") from away


def _said(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return f"The mail server said {code}: {' '.join(text.split())[:300]}"


def _written(sender: str, address: str, message: Notice) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr(("Millrace", sender))
    mail["To"] = address
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    # Nobody's holiday notice shall answer a machine (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text + "\n")
    return mail.as_bytes()
