"""Who is let in by which key, for which vendors; and that a key taken away is refused at once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from common.api.refusal import Refusal
from common.environment import ConfigurationError
from token_broker.api.callers import PERMISSIONS, Callers


def keys(folder: Path, **names: str) -> Path:
    for name, key in names.items():
        (folder / f"{name.replace('_', '-')}.key").write_text(f"{key}\n")
    return folder


class TestKeyFiles:
    def test_a_service_is_known_by_its_key(self, tmp_path: Path) -> None:
        callers = Callers(keys(tmp_path, ingest="k-ingest", console="k-console"))
        assert callers.recognise("Bearer k-ingest").name == "ingest"
        assert callers.recognise("bearer k-console").name == "console"

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Basic k-ingest", "k-ingest", "Bearer k-ingesT", "Bearer \udcff"]
    )
    def test_everything_else_is_refused(self, tmp_path: Path, header: str) -> None:
        with pytest.raises(Refusal) as refused:
            Callers(keys(tmp_path, ingest="k-ingest")).recognise(header)
        assert refused.value.status == 401

    def test_an_empty_key_file_lets_nobody_in(self, tmp_path: Path) -> None:
        with pytest.raises(Refusal):
            Callers(keys(tmp_path, ingest="")).recognise("Bearer ")

    def test_a_key_taken_away_or_exchanged_is_refused_at_once(self, tmp_path: Path) -> None:
        callers = Callers(keys(tmp_path, ingest="old"))
        assert callers.recognise("Bearer old")
        fresh = tmp_path / "fresh"
        fresh.write_text("new")
        fresh.replace(tmp_path / "ingest.key")
        assert callers.recognise("Bearer new")
        with pytest.raises(Refusal):
            callers.recognise("Bearer old")
        (tmp_path / "ingest.key").unlink()
        with pytest.raises(Refusal):
            callers.recognise("Bearer new")

    def test_keys_are_kept_as_hashes_only(self, tmp_path: Path) -> None:
        callers = Callers(keys(tmp_path, ingest="canary-key-of-ingest"))
        assert "canary" not in repr(vars(callers))


class TestPermissions:
    @pytest.mark.parametrize(
        ("service", "right", "vendor", "allowed"),
        [
            ("ingest", "tokens", "zoho-books", True),
            ("ingest", "webhooks", "mailchimp", True),
            ("ingest", "connections", None, False),
            ("ingest", "keys", None, False),
            ("writer-mailchimp", "tokens", "mailchimp", True),
            ("writer-mailchimp", "tokens", "zoho-books", False),
            ("writer-mailchimp", "webhooks", "mailchimp", False),
            ("writer-zoho", "tokens", "zoho-crm", True),
            ("writer-zoho", "tokens", "mailchimp", False),
            ("writer-zoho", "tokens", "zohox", False),
            ("writer-zoho", "connections", None, False),
            ("console", "connections", "mailchimp", True),
            ("console", "keys", None, False),
            ("operator", "keys", None, True),
            ("operator", "tokens", "mailchimp", False),
        ],
    )
    def test_each_service_gets_its_own(
        self, tmp_path: Path, service: str, right: str, vendor: str | None, *, allowed: bool
    ) -> None:
        (tmp_path / f"{service}.key").write_text("key")
        caller = Callers(tmp_path).recognise("Bearer key")
        if allowed:
            caller.may(right, vendor)  # type: ignore[arg-type]
            return
        with pytest.raises(Refusal) as refused:
            caller.may(right, vendor)  # type: ignore[arg-type]
        assert refused.value.status == 403

    def test_the_mapper_has_no_business_here(self) -> None:
        assert "mapper" not in PERMISSIONS


class TestTable:
    def test_names_services_by_hashes_and_is_looked_at_on_every_request(self, tmp_path: Path) -> None:
        table = tmp_path / "callers.json"
        digest = hashlib.sha256(b"key").hexdigest()
        table.write_text(json.dumps({"robot": {"sha256": [digest], "vendors": ["mailchimp"], "may": ["tokens"]}}))
        callers = Callers(tmp_path, table)
        callers.recognise("Bearer key").may("tokens", "mailchimp")
        with pytest.raises(Refusal):
            callers.recognise("Bearer key").may("tokens", "zoho-books")
        table.write_text("{}")
        with pytest.raises(Refusal):
            callers.recognise("Bearer key")

    @pytest.mark.parametrize("text", ["[]", "nonsense", '{"a": {}}', '{"a": {"sha256": ["xyz"]}}'])
    def test_a_table_that_is_none_stops_the_start(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "callers.json").write_text(text)
        with pytest.raises(ConfigurationError):
            Callers(tmp_path, tmp_path / "callers.json")
