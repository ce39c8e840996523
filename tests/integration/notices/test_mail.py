"""Mails on a real server: encrypted before a word is said, refused in the server's own words, and known again when they come twice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from common.secret import Secret
from console.notify.mail import Mail
from console.notify.notice import Notice, NotTaken, Unseen
from console.notify.smtp_settings import SmtpSettings
from tests.support.mail_server import MailServer, Tls, mail_server

PASSWORD = "pass word"
NOTICE = Notice("msg_1", "summary", datetime(2026, 6, 10, tzinfo=UTC), "Millrace: Größe", "Umsätze\n.\nEnde", {})


def by(server: MailServer, tls: Tls, ca_file: Path | None = None, password: str = PASSWORD) -> Mail:
    user = "millrace" if password else ""
    return Mail(
        SmtpSettings(
            host="127.0.0.1", port=server.port, tls=tls, ca_file=ca_file, user=user, password=Secret(password), sender="millrace@example.org"
        )
    )  # fmt: skip


class TestMail:
    @pytest.mark.parametrize("tls", ["starttls", "tls"])
    async def test_is_encrypted_before_it_signs_in(self, tls: Tls, own_authority: Path) -> None:
        with mail_server(tls, PASSWORD, own_authority) as server:
            await by(server, tls, own_authority).send("finance@example.org", "", NOTICE)
            ((to, mail),) = server.taken
            assert [line.split()[0].upper() for line in server.heard] == (
                ["EHLO", "STARTTLS"] if tls == "starttls" else []
            )
        assert (to, mail["From"], mail["Subject"]) == (
            "finance@example.org",
            "Millrace <millrace@example.org>",
            "Millrace: Größe",
        )
        assert (mail["Message-ID"], mail["Auto-Submitted"]) == ("<msg_1@example.org>", "auto-generated")
        assert mail.get_content() == "Umsätze\r\n.\r\nEnde\r\n"

    async def test_is_not_sent_to_a_server_that_nobody_vouches_for(self, own_authority: Path) -> None:
        with mail_server("starttls", PASSWORD, own_authority) as server:
            with pytest.raises(NotTaken, match="TLS is not to be trusted"):
                await by(server, "starttls").send("finance@example.org", "", NOTICE)
            assert (server.taken, PASSWORD in "".join(server.heard)) == ([], False)

    async def test_is_not_sent_in_the_clear_where_tls_was_asked_for(self) -> None:
        with mail_server("none", PASSWORD) as server:
            with pytest.raises(NotTaken, match="STARTTLS"):
                await by(server, "starttls").send("finance@example.org", "", NOTICE)
            assert server.taken == [] and [line.split()[0].upper() for line in server.heard] == ["EHLO"]

    async def test_goes_without_tls_to_a_relay_that_asks_nothing(self) -> None:
        with mail_server() as server:
            await by(server, "none", password="").send("finance@example.org", "", NOTICE)
            assert server.ids == ["<msg_1@example.org>"]

    @pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
    async def test_that_is_refused_is_not_taken_in_the_servers_own_words(self, verb: str) -> None:
        with mail_server() as server:
            server.refuses[verb] = ["451 come back later"]
            with pytest.raises(NotTaken, match="said 451: come back later"):
                await by(server, "none", password="").send("finance@example.org", "", NOTICE)
            assert server.taken == []

    async def test_whose_answer_is_lost_may_have_been_taken(self) -> None:
        with mail_server() as server:
            server.drops = 1
            with pytest.raises(Unseen):
                await by(server, "none", password="").send("finance@example.org", "", NOTICE)
            assert len(server.taken) == 1

    async def test_a_wrong_password_is_said_and_not_shown(self, own_authority: Path) -> None:
        with mail_server("tls", "another", own_authority) as server, pytest.raises(NotTaken, match="535") as refused:
            await by(server, "tls", own_authority).send("finance@example.org", "", NOTICE)
        assert PASSWORD not in repr(refused.value) + repr(refused.value.__cause__)

    async def test_a_server_that_is_away_is_said(self) -> None:
        with mail_server() as server:
            pass
        with pytest.raises(NotTaken, match="not reached"):
            await by(server, "none", password="").send("finance@example.org", "", NOTICE)


class TestSettings:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"host": "h"}, "SMTP__SENDER"),
            ({"host": "h", "sender": "a@b", "user": "u"}, "set both or none"),
            ({"host": "h", "sender": "a@b", "user": "u", "password": Secret("hidden"), "tls": "none"}, "never sent without TLS"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_refused_at_start(self, given: dict[str, object], words: str) -> None:
        with pytest.raises(ValidationError, match=words) as refused:
            SmtpSettings(**given)  # type: ignore[arg-type]
        assert "hidden" not in str(refused.value)
