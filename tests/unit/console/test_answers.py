"""The small pure parts of the API: cursors, versions, the token file, the word for how a connection is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.api.refusal import Refusal
from common.environment import ConfigurationError
from console.api import versions
from console.api.access import TokenFile
from console.api.paging import after_of, cursor_of
from console.broker import BrokerGrant
from console.state.connecting import pause_before
from console.state.connections import ConnectionRow, ConnectionState, GateRow
from console.use_cases.connections import Shown

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def refusal(work: Any, *arguments: Any, **named: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        work(*arguments, **named)
    return refused.value


class TestCursor:
    @given(
        st.lists(
            st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
            min_size=2,
            max_size=2,
        )
    )
    def test_comes_back_as_it_went(self, parts: list[str]) -> None:
        cursor = cursor_of(tuple(parts))
        assert cursor is not None and cursor.isascii() and "=" not in cursor
        assert after_of(cursor, 2) == tuple(parts)

    @given(st.text(max_size=40))
    def test_anything_else_is_refused_or_a_place(self, text: str) -> None:
        try:
            found = after_of(text, 2)
        except Refusal as refused:
            assert refused.status == 422
        else:
            assert found is None or len(found) == 2

    def test_the_last_page_has_none(self) -> None:
        assert cursor_of(None) is None and after_of("", 2) is None


class TestVersions:
    def test_any_of_several_or_the_star_will_do(self) -> None:
        current = versions.etag("a", 1)
        versions.expect(current, f'"x", {current}')
        versions.expect(current, "*")
        versions.expect(current, None, required=False)

    def test_none_and_another_are_two_refusals(self) -> None:
        assert refusal(versions.expect, versions.etag("a"), None).status == 428
        assert refusal(versions.expect, versions.etag("a"), versions.etag("b")).status == 412
        assert refusal(versions.expect, versions.etag("a"), "", required=False).status == 412


class TestTokenFile:
    def test_a_start_without_a_token_is_refused(self, tmp_path: Path) -> None:
        for text in (None, "", "short"):
            path = tmp_path / "token"
            if text is not None:
                path.write_text(text)
            with pytest.raises(ConfigurationError, match="MILLRACE_API_TOKEN_PATH"):
                TokenFile(path)

    def test_only_the_token_gets_in(self, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text("sixteen letters and more\n")
        tokens = TokenFile(path)
        tokens.admit("Bearer sixteen letters and more")
        for wrong in (
            "",
            "Bearer ",
            "Basic sixteen letters and more",
            "Bearer sixteen letters and mor",
            "Bearer \udcff",
        ):
            assert refusal(tokens.admit, wrong).status == 401


class TestStanding:
    @pytest.mark.parametrize(
        ("state", "reasons", "grant", "word"),
        [
            ("active", (), "active", "ok"),
            ("active", (), None, "ok"),
            ("active", ("paused",), "active", "paused"),
            ("active", ("needs_reauth", "paused"), "needs_reauth", "needs_reauth"),
            ("active", (), "needs_reauth", "needs_reauth"),
            ("active", ("exhausted", "throttled"), "active", "exhausted"),
            ("connecting", ("paused",), None, "connecting"),
            ("deleting", (), None, "deleting"),
        ],
    )
    def test_the_most_pressing_reason_is_the_word(
        self, state: ConnectionState, reasons: tuple[str, ...], grant: str | None, word: str
    ) -> None:
        gates = tuple(GateRow(reason, None, "", "", NOW) for reason in reasons)
        row = ConnectionRow("c", "mailchimp", "c", state, {}, (), NOW, "", NOW, None, "", gates)
        held = None if grant is None else BrokerGrant(connection="c", vendor="mailchimp", kind="api_key", state=grant)
        assert Shown(row, held).standing == word


class TestPauses:
    def test_grow_and_end_at_ten_minutes(self) -> None:
        pauses = [pause_before(tries) for tries in range(12)]
        assert pauses[0] == timedelta(seconds=5)
        assert pauses == sorted(pauses) and pauses[-1] == timedelta(minutes=10)
