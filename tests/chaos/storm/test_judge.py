"""The judge of consent is judged: what it must see, it sees."""

from tests.chaos.storm.judge import consent, withdrawn_in
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

    def test_leaves_a_person_their_own_will(self) -> None:
        back = [*LEFT[:2], op("come back", "", OLD), LEFT[2]]
        told = [CAME, WENT, change(3, "user", OLD, True), change(4, "api", NEW, True, 5)]
        assert consent(back, told, [row(1, OLD), row(2, NEW)], {}) == []
        assert withdrawn_in(told) == set()

    def test_sees_a_subscription_that_the_journal_does_not_know(self) -> None:
        assert len(consent(LEFT[:1], [CAME], [], {})) == 1
