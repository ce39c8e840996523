"""What Mailchimp's login and API say of a credential, and what that means."""

from __future__ import annotations

import json

import pytest

from common.secret import Secret
from vendors.grant import App, Discovery, Granted, GrantReply, NotGranted
from vendors.mailchimp.oauth import GRANT

APP = App("mailchimp", "id", {"": Secret("secret")}, "https://app.example/oauth/mailchimp/callback")
OAUTH, KEY = GRANT.oauth, GRANT.api_key
assert OAUTH is not None and KEY is not None

VALID = Secret("0123456789abcdef0123456789abcdef-us6")


def reply(body: object, status: int = 200) -> GrantReply:
    return GrantReply(status, body if isinstance(body, bytes) else json.dumps(body).encode())


class TestApiKey:
    def test_its_end_names_the_data_centre(self) -> None:
        assert KEY.site(VALID) == "us6"
        assert KEY.discover(APP, "us6", VALID).url == "https://us6.api.mailchimp.com/3.0/"

    @pytest.mark.parametrize(
        "text",
        ["", "abc", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef-us6.evil.example",
         "0123456789abcdef0123456789abcdef-us6/..", "0123456789abcdef0123456789abcdef-us6@evil", "-us6",
         "0123456789abcdef0123456789abcdef-US6", "0123456789abcdef0123456789abcdef-us6\n"],
    )  # fmt: skip
    def test_what_is_no_key_names_no_host(self, text: str) -> None:
        assert KEY.site(Secret(text)) is None

    def test_goes_as_basic_and_is_not_shown(self) -> None:
        call = KEY.discover(APP, "us6", VALID)
        assert call.headers["authorization"].startswith("Basic ")
        assert "0123456789abcdef" not in repr(call) and "Basic" not in repr(call)


class TestToken:
    def test_never_expires(self) -> None:
        said = OAUTH.exchanged(APP, "", reply({"access_token": "t", "expires_in": 0, "scope": None}))
        assert isinstance(said, Granted)
        assert (said.lives, said.refresh, OAUTH.renewal) == (None, None, None)

    @pytest.mark.parametrize(
        ("body", "status", "means"),
        [
            ({"error": "invalid_grant"}, 400, "dead"),
            ({"error": "invalid_client"}, 400, "app"),
            ({"error": "server_error"}, 400, "transient"),
            ({}, 429, "wait"),
            ({}, 503, "transient"),
            (b"<html>", 200, "unknown"),
            ({}, 200, "unknown"),
        ],
    )
    def test_refusals_of_a_code(self, body: object, status: int, means: str) -> None:
        said = OAUTH.exchanged(APP, "", reply(body, status))
        assert isinstance(said, NotGranted) and said.means == means

    def test_metadata_tells_the_data_centre_and_never_the_host(self) -> None:
        told = {"dc": "us14", "api_endpoint": "https://evil.example", "login_url": "https://evil.example"}
        said = OAUTH.discovered(APP, "", reply(told))
        assert isinstance(said, Discovery) and said.site == "us14"
        assert OAUTH.discover(APP, said.site, Secret("t")).url == "https://us14.api.mailchimp.com/3.0/"

    @pytest.mark.parametrize("dc", ["us6.evil.example", "evil.example/", "us6@evil", "", "../us6"])
    def test_a_poisoned_data_centre_is_no_site(self, dc: str) -> None:
        assert isinstance(OAUTH.discovered(APP, "", reply({"dc": dc})), NotGranted)


class TestProbe:
    @pytest.mark.parametrize(
        ("body", "status", "means"),
        [
            ({"title": "API Key Invalid", "status": 401}, 401, "dead"),
            ({"title": "User Disabled", "status": 403}, 403, "dead"),
            (b"", 403, "wait"),
            (b"", 429, "wait"),
            (b"<html>502</html>", 502, "transient"),
            (b"{}", 200, "unknown"),
        ],
    )
    def test_only_a_real_refusal_ends_a_credential(self, body: object, status: int, means: str) -> None:
        said = KEY.discovered(APP, "us6", reply(body, status))
        assert isinstance(said, NotGranted) and said.means == means

    def test_tells_the_account_and_the_login_that_shares_the_limit(self) -> None:
        said = KEY.discovered(APP, "us6", reply({"account_id": "a1", "account_name": "Shop", "login_id": "77"}))
        assert isinstance(said, Discovery)
        assert (said.places[0].title, said.details) == ("Shop", {"dc": "us6", "account_id": "a1", "login_id": "77"})
