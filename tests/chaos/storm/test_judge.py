"""The judge of consent is judged: what it must see, it sees."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.storm.judge import consent, done_by_people, withdrawn_in
from tests.chaos.storm.people import Op
from tests.chaos.storm.witness import Change

OLD, NEW = "old@storm.example", "new@storm.example"


def op(kind: str, record: str, email: str) -> Op:
    return Op(0, kind, record, email, "", 0)


def change(order: int, author: str, email: str, up: bool, minute: int = 0) -> Change:
    return Change(order, author, email, up, False, f"2026-05-04 12:{minute:02}:00")


def row(at: int, email: str, record: str = "1") -> dict[str, object]:
    return {"id": at, "step": "applied", "record": record, "target_key": email, "after": {"standing": "subscribed"}}


LEFT = [op("create", "1", OLD), op("leave", "", OLD), op("move", "1", NEW)]
CAME, WENT = change(1, "api", OLD, True), change(2, "user", OLD, False)


class TestConsent:
    def test_says_nothing_where_nobody_was_raised(self) -> None:
        assert consent(LEFT, [CAME, WENT], [row(1, OLD)], {}) == []

    def test_sees_an_address_that_had_left(self) -> None:
        assert len(consent(LEFT, [CAME, WENT, change(3, "api", OLD, True)], [row(1, OLD), row(2, OLD)], {})) == 1

    def test_sees_a_record_whose_person_had_left_elsewhere(self) -> None:
        assert len(consent(LEFT, [CAME, WENT, change(3, "api", NEW, True, 5)], [row(1, OLD), row(2, NEW)], {})) == 1

    def test_lets_a_race_pass_unless_the_member_stays_so(self) -> None:
        raised = [CAME, WENT, change(3, "api", NEW, True)]
        assert consent(LEFT, raised, [row(1, OLD), row(2, NEW)], {NEW: {"status": "unsubscribed"}}) == []
        assert len(consent(LEFT, raised, [row(1, OLD), row(2, NEW)], {NEW: {"status": "subscribed"}})) == 1

    def test_a_race_is_one_by_when_we_wrote_and_not_by_when_it_came(self) -> None:
        raised = [CAME, WENT, change(3, "api", NEW, True, 59)]
        gone = {NEW: {"status": "unsubscribed"}}
        soon, later = (datetime(2026, 5, 4, 12, minute, 17, tzinfo=UTC) for minute in (0, 2))
        assert consent(LEFT, raised, [row(1, OLD), row(2, NEW) | {"sent_at": soon}], gone) == []
        assert len(consent(LEFT, raised, [row(1, OLD), row(2, NEW) | {"sent_at": later}], gone)) == 1

    def test_an_hour_that_the_clock_skipped_in_a_race_is_no_time(self) -> None:
        raised = [CAME, WENT, change(3, "api", NEW, True, 59)]
        gone, sent = {NEW: {"status": "unsubscribed"}}, datetime(2026, 5, 4, 12, 55, 17, tzinfo=UTC)
        rows = [row(1, OLD), row(2, NEW) | {"sent_at": sent}]
        meanwhile, before = datetime(2026, 5, 4, 12, 0, 1), datetime(2026, 5, 4, 11, 59, 59)
        assert consent(LEFT, raised, rows, gone, {meanwhile: timedelta(minutes=55)}) == []
        assert len(consent(LEFT, raised, rows, gone, {before: timedelta(minutes=55)})) == 1

    def test_leaves_a_person_their_own_will(self) -> None:
        back = [*LEFT[:2], op("come back", "", OLD), LEFT[2]]
        told = [CAME, WENT, change(3, "user", OLD, True), change(4, "api", NEW, True, 5)]
        assert consent(back, told, [row(1, OLD), row(2, NEW)], {}) == []
        assert withdrawn_in(told) == set()

    def test_sees_a_subscription_that_the_journal_does_not_know(self) -> None:
        assert len(consent(LEFT[:1], [CAME], [], {})) == 1


# Our call to take NEW down was sent at 12:05 and told as applied at 12:09.
SENT, APPLIED = datetime(2026, 5, 4, 12, 5, 0, 500, tzinfo=UTC), datetime(2026, 5, 4, 12, 9, tzinfo=UTC)
TOLD = {"id": 7, "target_key": NEW, "sent_at": SENT, "at": APPLIED}


class TestWhoWithdrew:
    @pytest.mark.parametrize("author", ["user", "admin"])
    def test_a_person_did_what_our_call_was_to_do(self, author: str) -> None:
        assert done_by_people([TOLD], [CAME, WENT, change(3, author, NEW, False, 5)]) == {7}

    @pytest.mark.parametrize(
        "others",
        [
            [],
            [change(3, "user", NEW, False, 4)],
            [change(3, "user", NEW, False, 10)],
            [change(3, "user", OLD, False, 6)],
            [change(3, "user", NEW, True, 6)],
            [change(3, "api", NEW, False, 6)],
            [change(3, "api", NEW, False, 6), change(4, "user", NEW, False, 8)],
        ],
    )
    def test_nobody_else_did(self, others: list[Change]) -> None:
        assert done_by_people([TOLD], [CAME, WENT, *others]) == set()
