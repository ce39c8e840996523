"""Log lines hold no secret and no personal data, whatever a caller puts into them."""

import pytest

from common.redaction import Redactor, redact_text
from common.secret import Secret

CANARY = "canary77"


class TestText:
    @pytest.mark.parametrize(
        "text",
        [
            f"GET /x Authorization: Bearer {CANARY}.abc",
            f"Zoho-oauthtoken 1000.{CANARY}",
            f"postgresql://u:{CANARY}@h/db refused",
            f"access_token={CANARY}&x=1",
            f'{{"refresh_token": "{CANARY}"}}',
            f"client_secret='{CANARY}'",
            f"api_key: {CANARY}",
            f"no user {CANARY}@example.org",
            f"Basic {CANARY}Og==",
            f"code_verifier={CANARY}",
        ],
    )
    def test_loses_its_secret_and_keeps_the_rest(self, text: str) -> None:
        assert CANARY not in redact_text(text)
        assert "***" in redact_text(text)

    def test_hides_tokens_by_their_shape(self) -> None:
        zoho = f"1000.{'a' * 32}.{'b' * 32}"
        mailchimp = f"{'c' * 32}-us21"
        shopify = f"shpat_{'d' * 32}"
        assert redact_text(f"{zoho} {mailchimp} {shopify}") == "*** *** ***"

    @pytest.mark.parametrize("text", ["", "nothing here", "zoho-books:contact:460000012", "invoice 100.00 EUR", "a@b"])
    def test_is_left_alone_when_there_is_nothing_to_hide(self, text: str) -> None:
        assert redact_text(text) == text


class TestRedactor:
    def test_hides_fields_by_name_at_any_depth(self) -> None:
        event = {
            "event": "write.attempted",
            "record": "contact/46",
            "email": CANARY,
            "headers": {"Authorization": CANARY, "X-Api-Key": CANARY, "accept": "json"},
            "rows": [{"first_name": CANARY, "n": 1}],
            "customer.email": CANARY,
            "set_cookie": CANARY,
        }
        shown = Redactor().redact(event)
        assert CANARY not in repr(shown)
        assert shown["record"] == "contact/46"
        assert shown["headers"]["accept"] == "json"  # type: ignore[index]
        assert shown["rows"][0]["n"] == 1  # type: ignore[index]

    def test_keeps_figures_about_secrets(self) -> None:
        assert Redactor().redact({"tokens_left": 3, "token_ok": True}) == {"tokens_left": 3, "token_ok": True}

    def test_hides_the_fields_a_setting_adds(self) -> None:
        assert Redactor(["IBAN"]).redact({"iban": CANARY}) == {"iban": "***"}

    def test_shows_no_bytes_and_no_object_with_a_secret(self) -> None:
        class Thing:
            def __str__(self) -> str:
                return f"token={CANARY}"

        shown = Redactor().redact({"body": CANARY.encode(), "thing": Thing(), "key": Secret(CANARY)})
        assert CANARY not in repr(shown)
        assert shown["body"] == "<8 bytes>"
