"""The judge finds what is wrong: a lost edit, an invented value, a double, whoever is missing; and lets stand what the promise allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.sides.judge import Edit, may_stand, problems
from tests.chaos.sides.records import ALONE, BOOKS, COMPANY, CRM, PERSON, Found, Side, Who, in_books, in_crm, plain

WHO = Who(COMPANY, "m1")


def edits(*made: tuple[str, str, str]) -> list[Edit]:
    """Of one name: side, what stood there, what was entered."""
    return [Edit(number, WHO, "name", *one) for number, one in enumerate(made)]


def side(value: str, **more: str) -> Side:
    return Side({WHO: Found("1", {"name": value}, **more)})


BORN = (BOOKS, "", "a")


@pytest.mark.parametrize(
    ("made", "allowed"),
    [
        ([BORN], {"a"}),
        ([BORN, (CRM, "a", "b")], {"b"}),
        # Neither has seen the other.
        ([BORN, (CRM, "a", "b"), (BOOKS, "a", "c")], {"b", "c"}),
        ([BORN, (CRM, "a", "b"), (BOOKS, "b", "c")], {"c"}),
        # Who edits once more at the same side knows what was entered there, whatever we have written over it.
        ([BORN, (CRM, "a", "b"), (BOOKS, "a", "c"), (CRM, "c", "d")], {"d"}),
        ([BORN, (CRM, "a", "b"), (BOOKS, "a", "c"), (CRM, "b", "d")], {"c", "d"}),
        # The other side shows an older one than what was entered there since.
        ([BORN, (CRM, "a", "b"), (CRM, "b", "c"), (BOOKS, "b", "d")], {"c", "d"}),
    ],
)
def test_what_may_stand_is_what_nobody_later_had_seen(made: list[tuple[str, str, str]], allowed: set[str]) -> None:
    assert may_stand(edits(*made)) == allowed


class TestProblems:
    MADE = edits(BORN, (CRM, "a", "b"))

    def test_are_none_where_both_sides_have_the_last_edit(self) -> None:
        assert problems(side("b"), side("b"), self.MADE, {}) == []

    @pytest.mark.parametrize(
        ("books", "crm", "words"),
        [
            (side("a"), side("b"), "is 'b' in the CRM"),
            (side("a"), side("a"), "'a' stands, and ['b'] may"),
            (side("z"), side("z"), "'z' stands, and ['b'] may"),
            (Side(), side("b"), "books: Who(kind='company', mark='m1') is not there"),
            (side("b", under="m9"), side("b"), "is under 'm9', not ''"),
            (replace(side("b"), odd=["twice"]), side("b"), "books: twice"),
        ],
    )
    def test_are_told(self, books: Side, crm: Side, words: str) -> None:
        found = problems(books, crm, self.MADE, {})
        assert any(words in one for one in found), found

    def test_a_record_that_nobody_entered_is_one(self) -> None:
        stranger = Side(side("b").found | {Who(ALONE, "m2"): Found("2", {})})
        assert problems(stranger, side("b"), self.MADE, {}) == [
            "books: Who(kind='alone', mark='m2') was entered by nobody"
        ]


BOOKS_ROW = {
    "contact_id": "7", "company_name": "Alder", "website": "alder.example", "shipping_address": {"city": "m1"},
    "billing_address": {"address": "Street 1", "city": "City 1", "zip": "Z1"},
    "contact_persons": [
        {"contact_person_id": "8", "department": "m2", "first_name": "Ida", "last_name": "Elm", "email": "I@e.example", "phone": "+43 (1) 2", "mobile": "", "designation": ""}
    ],
}  # fmt: skip
ACCOUNT = {
    "id": "1", "Account_Name": "alder ", "Website": "https://alder.example", "Shipping_City": "m1", "Billing_Street": "Street 1",
    "Billing_City": "City 1", "Billing_Code": "Z1",
}  # fmt: skip
CONTACT = {"id": "2", "Account_Name": {"id": "1"}, "Department": "m2", "First_Name": "ida", "Last_Name": "Elm", "Email": "i@e.example", "Phone": "+4312"}  # fmt: skip


class TestRecords:
    def test_read_alike_in_whatever_form(self) -> None:
        books, crm = in_books([BOOKS_ROW]), in_crm({"Accounts": [ACCOUNT], "Contacts": [CONTACT]})
        assert [who.kind for who in books.found] == [COMPANY, PERSON]
        assert {who: (its.values, its.under) for who, its in books.found.items()} == {
            who: (its.values, its.under) for who, its in crm.found.items()
        }
        assert not books.odd and not crm.odd

    def test_whoever_is_there_twice_is_odd(self) -> None:
        assert "is there twice" in in_crm({"Accounts": [ACCOUNT, ACCOUNT | {"id": "9"}], "Contacts": []}).odd[0]

    def test_forms_of_vendors_are_no_differences(self) -> None:
        assert plain("+43 (1) 2-3") == plain("+43123") and plain(" ida e5") == plain("Ida E5")
        assert plain("Ida 5") != plain("Ida 6")
