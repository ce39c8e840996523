"""Webhooks of Mailchimp and Mandrill: the sheet's vectors, the validators' greetings, and every way to be refused."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from vendors.mailchimp.inbox import MailchimpInbox
from vendors.vendor import HookRequest, Unverified, Verified

SECRET = b"mc-signing-secret-5c1d"
AT = 1767225600
NOW = datetime.fromtimestamp(AT, UTC)
BODY = (
    b"type=unsubscribe&fired_at=2026-01-01+00%3A00%3A00&data%5Baction%5D=unsub&data%5Breason%5D=manual"
    b"&data%5Bid%5D=8a25ff1d98&data%5Bemail%5D=ada%40example.test&data%5Bemail_type%5D=html&data%5Bweb_id%5D=3375995"
    b"&data%5Blist_id%5D=a6b5da1054&data%5Bmerges%5D%5BEMAIL%5D=ada%40example.test&data%5Bmerges%5D%5BFNAME%5D=Ada"
)
V1 = "420e2923a0fdfcb346dea8bd5076e946dfb8e67152e814dff62af467f8d75bb3"
MANDRILL_URL = "https://hooks.example.test/mandrill?tenant=t1"
MANDRILL_KEY = b"mandrill-test-key-9f2b"
EVENTS = '[{"event":"hard_bounce","msg":{"email":"ada@example.test","_id":"abc123"},"ts":1767225600}]'


def hook(body: bytes = BODY, *, method: str = "POST", path: str = "/hooks/mailchimp/c", url: str = "", **headers: str) -> HookRequest:  # fmt: skip
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HookRequest(method, path, "", names, body, url)


def signed(value: str, body: bytes = BODY) -> HookRequest:
    return hook(body, x_mailchimp_signature=value)


def mandrill(events: str, key: bytes = MANDRILL_KEY) -> HookRequest:
    message = (MANDRILL_URL + "mandrill_events" + events).encode()
    signature = base64.b64encode(hmac.new(key, message, hashlib.sha1).digest()).decode()
    return hook(urlencode({"mandrill_events": events}).encode(), url=MANDRILL_URL, x_mandrill_signature=signature)


class TestAudienceSignature:
    def test_accepts_the_sheets_vector_and_any_of_several(self) -> None:
        inbox = MailchimpInbox()
        assert inbox.verify(signed(f"t={AT},v1={V1}"), [SECRET], NOW) == Verified("signature")
        assert inbox.verify(signed(f"t={AT},v1={'0' * 64},v1={V1}"), [b"other", SECRET], NOW) == Verified("signature")

    @pytest.mark.parametrize("age", [timedelta(seconds=301), timedelta(seconds=-301)])
    def test_refuses_what_is_old_or_of_the_future(self, age: timedelta) -> None:
        assert isinstance(MailchimpInbox().verify(signed(f"t={AT},v1={V1}"), [SECRET], NOW + age), Unverified)

    @pytest.mark.parametrize("value", ["", "t=,v1=", f"v1={V1}", f"t={AT}", f"t={AT},v1=zz", f"t=x,v1={V1}"])
    def test_refuses_what_is_no_signature(self, value: str) -> None:
        assert isinstance(MailchimpInbox().verify(signed(value), [SECRET], NOW), Unverified)

    def test_refuses_another_body_another_time_and_another_secret(self) -> None:
        inbox = MailchimpInbox()
        assert isinstance(inbox.verify(signed(f"t={AT},v1={V1}", BODY + b"&x=y"), [SECRET], NOW), Unverified)
        assert isinstance(inbox.verify(signed(f"t={AT + 1},v1={V1}"), [SECRET], NOW), Unverified)
        assert isinstance(inbox.verify(signed(f"t={AT},v1={V1}"), [b"other"], NOW), Unverified)
        assert isinstance(inbox.verify(signed(f"t={AT},v1={V1}"), [], NOW), Unverified)


class TestPathSecret:
    def test_an_unsigned_hook_is_believed_by_its_address(self) -> None:
        request = hook(path="/hooks/mailchimp/c/s3cr3t")
        assert MailchimpInbox().verify(request, [b"path:s3cr3t"], NOW) == Verified("path-secret")
        assert isinstance(MailchimpInbox().verify(hook(path="/hooks/mailchimp/c/other"), [b"path:s3cr3t"], NOW), Unverified)  # fmt: skip
        assert isinstance(MailchimpInbox().verify(hook(path="/hooks/mailchimp/c/"), [b"path:"], NOW), Unverified)

    def test_is_not_enough_once_a_signing_secret_is_on_file(self) -> None:
        request = hook(path="/hooks/mailchimp/c/s3cr3t")
        assert isinstance(MailchimpInbox().verify(request, [b"path:s3cr3t", SECRET], NOW), Unverified)

    def test_is_enough_while_another_webhook_has_not_been_told_its_key(self) -> None:
        request = hook(path="/hooks/mailchimp/c/s3cr3t")
        assert isinstance(MailchimpInbox().verify(request, [b"untold:x", b"path:s3cr3t"], NOW), Verified)
        for guess in ("x", "untold:x"):
            guessed = hook(path=f"/hooks/mailchimp/c/{guess}")
            assert isinstance(MailchimpInbox().verify(guessed, [b"untold:x", b"path:s3cr3t"], NOW), Unverified)

    def test_does_not_count_as_a_signing_secret(self) -> None:
        forged = hmac.new(b"s3cr3t", f"{AT}.".encode() + BODY, hashlib.sha256).hexdigest()
        assert isinstance(MailchimpInbox().verify(signed(f"t={AT},v1={forged}"), [b"path:s3cr3t"], NOW), Unverified)


class TestMandrill:
    def test_accepts_the_sheets_vectors(self) -> None:
        assert mandrill(EVENTS).headers["x-mandrill-signature"] == "lv9LHUtZNYiqhv2pwEBXgJcEHyc="
        assert mandrill("[]").headers["x-mandrill-signature"] == "iI5r/+yG/nWRoxobQjhQR8XUwLE="
        assert MailchimpInbox().verify(mandrill(EVENTS), [MANDRILL_KEY], NOW) == Verified("mandrill-signature")

    def test_refuses_another_key_and_another_address(self) -> None:
        request = mandrill(EVENTS)
        assert isinstance(MailchimpInbox().verify(request, [b"other"], NOW), Unverified)
        moved = hook(request.body, url=MANDRILL_URL + "2", **request.headers)
        assert isinstance(MailchimpInbox().verify(moved, [MANDRILL_KEY], NOW), Unverified)


class TestGreeting:
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_answers_the_validators(self, method: str) -> None:
        assert MailchimpInbox().greeting(hook(b"", method=method)) == b""

    def test_answers_mandrills_signed_empty_list_and_no_other(self) -> None:
        assert MailchimpInbox().greeting(mandrill("[]", b"test-webhook")) == b""
        assert MailchimpInbox().greeting(mandrill("[]")) is None
        assert MailchimpInbox().greeting(mandrill(EVENTS, b"test-webhook")) is None

    def test_an_event_is_no_greeting(self) -> None:
        assert MailchimpInbox().greeting(signed(f"t={AT},v1={V1}")) is None


class TestSubject:
    def test_is_the_member_without_its_address(self) -> None:
        subject = MailchimpInbox().subject(hook())
        assert subject is not None
        assert (subject.entity, subject.record) == ("subscription", "a6b5da1054.28ae5bf8fa0cde12855e61ac303859cc")

    @pytest.mark.parametrize("body", [b"", b"\xff", b"type=unsubscribe", b"type=other&data%5Blist_id%5D=a"])
    def test_is_nothing_where_the_body_does_not_say(self, body: bytes) -> None:
        assert MailchimpInbox().subject(hook(body)) is None
