"""One suite for every vendor's failure table: a test class names the vendor and the rows of its sheet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar, NamedTuple

import pytest

from common.codes import CODES
from common.failures import Failure, FailureClass, RateLimited, Unknown
from common.http.failure_table import FailureTable
from vendors.vendor import Vendor

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


class SheetRow(NamedTuple):
    """What the sheet says of one answer."""

    name: str
    status: int
    body: bytes
    kind: FailureClass
    code: str
    scope: str = ""
    pause_s: int | None = None
    complete: bool = False
    headers: dict[str, str] = {}  # noqa: RUF012 - never written to


class FailureTableSuite:
    """Subclasses set `vendor`, `table`, `sheet` and `successes`."""

    vendor: ClassVar[Vendor]
    table: ClassVar[FailureTable]
    sheet: ClassVar[tuple[SheetRow, ...]]
    successes: ClassVar[tuple[tuple[int, bytes], ...]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each row of the sheet is a test with the row's name."""
        if "row" in metafunc.fixturenames:
            metafunc.parametrize("row", self.sheet, ids=[row.name for row in self.sheet])
        if "success" in metafunc.fixturenames:
            metafunc.parametrize("success", self.successes, ids=[str(status) for status, _ in self.successes])

    def failure(self, row: SheetRow) -> Failure:
        found = self.vendor.profile.translate(row.status, row.headers, row.body, NOW)
        assert found is not None
        return found

    def test_each_row_of_the_sheet(self, row: SheetRow) -> None:
        found = self.failure(row)

        assert (found.kind, found.code, found.complete) == (row.kind, row.code, row.complete)
        assert found.vendor_status == row.status
        assert found.code in CODES

    def test_each_row_that_throttles_says_which_limit_and_how_long(self, row: SheetRow) -> None:
        found = self.failure(row)

        if isinstance(found, RateLimited):
            limits = {limit.name for limit in self.vendor.profile.limits(self.connection())}
            assert found.scope == row.scope and found.scope in limits
            assert found.retry_at == (None if row.pause_s is None else NOW + timedelta(seconds=row.pause_s))
        else:
            assert (row.scope, row.pause_s, found.retry_at) == ("", None, None)

    def test_a_success_is_no_failure(self, success: tuple[int, bytes]) -> None:
        status, body = success
        assert self.vendor.profile.translate(status, {}, body, NOW) is None

    @pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 418, 429, 500, 502, 503, 504])
    @pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b"\xff\xfe", b'{"code":[],"title":7}', b'"x"'])
    def test_no_answer_is_too_odd_for_a_meaning(self, status: int, body: bytes) -> None:
        found = self.vendor.profile.translate(status, {}, body, NOW)

        assert found is None or found.code in CODES
        if status in (502, 503, 504):
            assert isinstance(found, Unknown) and not found.complete

    def test_every_row_of_the_table_is_reached_by_the_sheet(self) -> None:
        reached = {self.failure(row).code for row in self.sheet}
        assert {row.ours.name for row in self.table.rows} <= reached

    def connection(self):  # type: ignore[no-untyped-def]
        raise NotImplementedError
