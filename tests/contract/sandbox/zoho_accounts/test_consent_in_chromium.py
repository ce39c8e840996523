"""The consent page in a real browser: read, choose, accept, and back at the application."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.contract.sandbox.zoho_accounts.flow import CLIENTS, SCOPE, Browser
from tests.support.sandbox import SandboxProcess

pytestmark = pytest.mark.browser

WITHIN_MS = 90_000


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    found = os.environ.get("MILLRACE_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.fail("no Chromium: install it (Debian: apt-get install chromium) or set MILLRACE_TEST_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(WITHIN_MS)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    """The application's redirect address."""

    class Application(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<title>connected</title>")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/oauth/zoho/callback"
    server.shutdown()


def open_consent(page: Page, base_url: str, callback: str, dc: str) -> None:
    asked = {
        "response_type": "code",
        "client_id": CLIENTS["demo"].id,
        "scope": SCOPE,
        "redirect_uri": callback,
        "state": "s1",
        "access_type": "offline",
        "prompt": "consent",
    }
    page.goto(f"{base_url}/zoho/{dc}/accounts/oauth/v2/auth?{urlencode(asked)}")


def came_back(page: Page) -> dict[str, str]:
    page.wait_for_url("**/oauth/zoho/callback**")
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


class TestConsentInChromium:
    def test_accepting_leads_to_a_connection(self, sandbox: SandboxProcess, page: Page, callback: str) -> None:
        open_consent(page, sandbox.base_url, callback, "us")
        assert "ZohoBooks.contacts.READ" in page.inner_text("main")
        page.get_by_label("demo@eu.example").check()
        page.get_by_role("button", name="Accept").click()
        told = came_back(page)
        assert (told["state"], told["location"]) == ("s1", "eu")
        token = Browser(sandbox.base_url).exchange("eu", told["code"], redirect_uri=callback).json()
        assert token["refresh_token"]

    def test_rejecting_comes_back_denied(self, sandbox: SandboxProcess, page: Page, callback: str) -> None:
        open_consent(page, sandbox.base_url, callback, "eu")
        page.get_by_role("button", name="Reject").click()
        assert came_back(page) == {"state": "s1", "error": "access_denied"}

    def test_the_keyboard_is_enough(self, sandbox: SandboxProcess, page: Page, callback: str) -> None:
        open_consent(page, sandbox.base_url, callback, "jp")
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert came_back(page)["location"] == "jp"

    def test_the_sandboxs_own_page_shows_what_happened(
        self, sandbox: SandboxProcess, page: Page, callback: str
    ) -> None:
        open_consent(page, sandbox.base_url, callback, "eu")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{sandbox.base_url}/_sandbox/")
        # It loads itself anew every other second, and while it does there is nothing to read.
        expect(page).to_have_title("Sandbox", timeout=WITHIN_MS)
        expect(page.locator("main")).to_contain_text("/zoho/eu/accounts/oauth/v2/auth", timeout=WITHIN_MS)
        assert errors == []
