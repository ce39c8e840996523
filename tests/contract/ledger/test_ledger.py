"""The ledger of the tests keeps its own rules: a test that leans on it may believe it."""

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.ledger.judge import Lines, Order, Wished, problems
from tests.support.ledger.process import LedgerProcess, ledger_process


@pytest.fixture(scope="module")
def process() -> Iterator[LedgerProcess]:
    with ledger_process() as started:
        yield started


@pytest.fixture
def ledger(process: LedgerProcess) -> LedgerProcess:
    process.reset()
    return process


def party(email: str = "ida@ex.org", **more: object) -> dict[str, object]:
    return {"op": "create", "fields": {"email": email, **more}}


def document(party: str, key: str = "o1") -> dict[str, object]:
    return {"op": "create", "fields": {"party": party, "key": key, "total": "10.00"}}


def find(ledger: LedgerProcess, org: str, entity: str, field: str, *values: str) -> list[list[dict[str, object]]]:
    body = {"field": field, "values": list(values)}
    found: list[list[dict[str, object]]] = httpx.post(
        f"{ledger.url}/v1/{org}/{entity}/find", json=body, verify=False
    ).json()["found"]
    return found


def read(ledger: LedgerProcess, org: str, entity: str, *ids: str) -> list[dict[str, object]]:
    body = {"ids": list(ids)}
    told: list[dict[str, object]] = httpx.post(f"{ledger.url}/v1/{org}/{entity}/read", json=body, verify=False).json()[
        "records"
    ]
    return told


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class TestRecords:
    def test_get_their_ids_from_the_ledger_and_are_read_by_them_at_once(self, ledger: LedgerProcess) -> None:
        ledger.arrange("keyed", lag_s=60)
        (made,) = ledger.write("keyed", "party", [party()])
        assert read(ledger, "keyed", "party", made["record"]["id"], "P9") == [made["record"], None]

    def test_are_found_by_a_look_up_only_after_its_lag(self, ledger: LedgerProcess) -> None:
        ledger.arrange("keyed", lag_s=2)
        ledger.write("keyed", "party", [party()])
        assert find(ledger, "keyed", "party", "email", "ida@ex.org", "bob@ex.org") == [[], []]
        until(lambda: bool(find(ledger, "keyed", "party", "email", "ida@ex.org")[0]))

    def test_a_key_is_refused_a_second_time_only_where_it_is_unique(self, ledger: LedgerProcess) -> None:
        for org, error in (("keyed", "taken"), ("plain", None)):
            (made,) = ledger.write(org, "party", [party()])
            rows = [document(made["record"]["id"]), document(made["record"]["id"])]
            second = ledger.write(org, "document", rows)[1]
            assert second.get("error", {}).get("code") == error

    def test_a_row_is_refused_alone(self, ledger: LedgerProcess) -> None:
        told = ledger.write("keyed", "party", [party(name="refuse-me"), party()])
        assert told[0]["error"]["code"] == "invalid"
        assert told[1]["record"]["email"] == "ida@ex.org"

    def test_a_repeated_request_id_gets_its_first_answer(self, ledger: LedgerProcess) -> None:
        rows = [party() | {"request_id": "r"}, party() | {"request_id": "r"}]
        first, second = ledger.write("keyed", "party", rows)
        assert first == second
        assert len(ledger.records("keyed", "party")) == 1

    def test_are_spelt_as_the_ledger_likes(self, ledger: LedgerProcess) -> None:
        ledger.arrange("keyed", titles=["city"])
        (made,) = ledger.write("keyed", "party", [party(city="bad homburg")])
        assert made["record"]["city"] == "Bad Homburg"


class TestNotes:
    def test_are_written_with_the_token_that_was_read(self, ledger: LedgerProcess) -> None:
        ledger.write("keyed", "party", [party()])
        (note,) = read(ledger, "keyed", "note", "P1/calls")
        ledger.people({"org": "keyed", "entity": "note", "id": "P1/calls", "text": "called her"})
        row = {"op": "write", "id": "P1/calls", "token": note["token"], "text": "mine"}
        assert ledger.write("keyed", "note", [row])[0]["error"]["code"] == "stale"
        assert read(ledger, "keyed", "note", "P1/calls")[0]["text"] == "called her"


class TestFaults:
    @pytest.mark.parametrize(("kind", "applied"), [("ghost", 2), ("half", 1), ("lost", 0)])
    def test_cut_the_connection(self, ledger: LedgerProcess, kind: str, applied: int) -> None:
        ledger.faults({"kind": kind, "times": 1})
        with pytest.raises(httpx.TransportError):
            ledger.write("keyed", "party", [party("a@ex.org"), party("b@ex.org")])
        assert len(ledger.records("keyed", "party")) == applied
        assert ledger.calls()[0]["fault"] == kind

    def test_a_late_commit_is_there_after_a_while(self, ledger: LedgerProcess) -> None:
        ledger.faults({"kind": "late", "seconds": 2, "times": 1})
        with pytest.raises(httpx.TransportError):
            ledger.write("keyed", "party", [party()])
        assert ledger.records("keyed", "party") == []
        until(lambda: len(ledger.records("keyed", "party")) == 1)

    @pytest.mark.parametrize(("kind", "status", "applied"), [("broken", 500, 1), ("failed", 500, 0), ("throttled", 429, 0)])  # fmt: skip
    def test_are_answered(self, ledger: LedgerProcess, kind: str, status: int, applied: int) -> None:
        ledger.faults({"kind": kind, "times": 1})
        answer = httpx.post(f"{ledger.url}/v1/keyed/party/write", json={"rows": [party()]})
        assert answer.status_code == status
        assert len(ledger.records("keyed", "party")) == applied


class TestChanges:
    def test_tell_who_did_what_in_their_order(self, ledger: LedgerProcess) -> None:
        ledger.write("keyed", "party", [party()])
        ledger.people({"org": "keyed", "entity": "party", "id": "P1", "set": {"city": "Rome"}, "who": "Eva"})
        told = ledger.changes("keyed")
        assert [(one["op"], one["author"], one["record"].get("city")) for one in told] == [
            ("create", "api", None), ("update", "person Eva", "Rome"),
        ]  # fmt: skip
        assert ledger.changes("keyed", after=1) == told[1:]


class TestJudge:
    def test_sees_what_is_doubled_lost_and_foreign(self, ledger: LedgerProcess) -> None:
        ledger.write("plain", "party", [party(), party(), party("bob@ex.org")])
        ledger.write("plain", "document", [document("P1"), document("P1"), document("P3", "o2")])
        wished = Wished(
            {"ida@ex.org": {}, "eva@ex.org": {}, "bob@ex.org": {"city": "Rome"}},
            [Order("o1", "ida@ex.org"), Order("o2", "ida@ex.org"), Order("o3", "ida@ex.org")],
        )
        assert problems(ledger.state(), "plain", wished) == [
            "party ida@ex.org: there 2 times", "party eva@ex.org: there 0 times", "party bob@ex.org: city is None for 'Rome'",
            "document o1: there 2 times", "document o2: of another party", "document o3: there 0 times",
        ]  # fmt: skip

    def test_sees_a_child_that_is_doubled_and_a_void_under_a_payment(self, ledger: LedgerProcess) -> None:
        ledger.write("plain", "party", [party()])
        ledger.write("plain", "document", [document("P1")])
        add = {"op": "add", "id": "D1", "child": {"ext": "pay1", "kind": "payment"}}
        ledger.write("plain", "document", [add, add, {"op": "void", "id": "D1"}])
        wished = Wished({"ida@ex.org": {}}, [Order("o1", "ida@ex.org", children=("pay1",), void=True)])
        assert problems(ledger.state(), "plain", wished) == [
            "document o1: children ['pay1', 'pay1'] for ('pay1',)",
            "document o1: void under its payment",
        ]

    def test_sees_lines_out_of_order_and_words_that_are_gone(self, ledger: LedgerProcess) -> None:
        ledger.write("keyed", "party", [party()])
        row = {"op": "write", "id": "P1/calls", "token": "0", "text": "two\none\nhers"}
        ledger.write("keyed", "note", [row])
        wished = Wished({"ida@ex.org": {}}, lines=[Lines("ida@ex.org", "calls", ("one", "two"), ("hers", "his"))])
        assert problems(ledger.state(), "keyed", wished) == [
            "note P1/calls of ida@ex.org: ['two', 'one'] for ('one', 'two')",
            "note P1/calls of ida@ex.org: people's lines are ['hers'] for ('hers', 'his')",
        ]
