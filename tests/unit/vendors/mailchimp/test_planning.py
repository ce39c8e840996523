"""The next step for a member: pure, so every rule is a line."""

from dataclasses import replace
from typing import Any

import pytest

from common.contracts.outcomes import SkipReason
from tests.support.members import member
from vendors.acts import Act, Look, NeedFacts, Nothing, Skip, Step, Work
from vendors.choices import PARTLY
from vendors.mailchimp.planning import ROW_KEEPS_STATUS, Audience, plan
from vendors.target_record import TargetRecord

PLAIN = Audience()


def there(**more: Any) -> TargetRecord:
    known = {"exists": True, "met": True, "standing": "subscribed", "values": {"email": "a@x.org", "merge.FNAME": "Ana", "tags": ["ours", "theirs"]}, "ours": ("ours",)}  # fmt: skip
    return member(**{**known, **more})


def asks_for(act: Act) -> str:
    return str(act.values.get("standing", ""))


THERE = there()


def present(known: dict[str, TargetRecord] | None = None, document: dict[str, Any] | None = None, **more: Any) -> Step:
    wished = {"email": "a@x.org", "merge.FNAME": "Ana"} if document is None else document
    return plan(Work("present", wished, "a@x.org", known=known or {}, **more), PLAIN)


def absent(known: dict[str, TargetRecord], how: str = "archive", **more: Any) -> Step:
    return plan(Work("absent", {"how": how, "tag": "inactive"}, more.pop("key", ""), known=known, **more), PLAIN)


class TestPresent:
    def test_nobody_known_is_made_with_the_audiences_first_status(self) -> None:
        act = present()
        assert isinstance(act, Act)
        assert (act.action, asks_for(act), act.batch, act.most) == ("create", "subscribed", "create", 500)
        work = Work("present", {"email": "a@x.org"}, "a@x.org")
        confirmed = plan(work, Audience(double_optin=True))
        assert isinstance(confirmed, Act)
        assert asks_for(confirmed) == "pending"

    def test_facts_are_asked_for_only_to_make_somebody(self) -> None:
        work = Work("present", {"email": "a@x.org", "merge.FNAME": "Ana"}, "a@x.org")
        assert plan(work, None) == NeedFacts()
        assert plan(replace(work, known={"a@x.org": THERE}), None) == Nothing()

    def test_no_value_is_no_field_of_a_new_member(self) -> None:
        act = present(document={"email": "a@x.org", "merge.FNAME": None, "tags": []})
        assert isinstance(act, Act)
        assert act.values == {"email": "a@x.org", "standing": "subscribed"}

    def test_a_required_field_without_a_value_skips(self) -> None:
        work = Work("present", {"email": "a@x.org"}, "a@x.org")
        skip = plan(work, Audience(required=("CUSTNO",)))
        assert isinstance(skip, Skip)
        assert skip.reason is SkipReason.REQUIRED_FIELD_MISSING

    def test_nothing_different_is_nothing(self) -> None:
        assert present({"a@x.org": THERE}) == Nothing()
        assert present({"a@x.org": THERE}, {"email": "A@X.org", "merge.FNAME": "Ana", "tags": ["OURS"]}) == Nothing()

    def test_a_difference_is_sent_without_a_status(self) -> None:
        act = present({"a@x.org": THERE}, {"email": "a@x.org", "merge.FNAME": "Anna", "merge.LNAME": "Lee"})
        assert act == Act("update", "a@x.org", {"merge.FNAME": "Anna", "merge.LNAME": "Lee"})

    def test_together_only_where_the_connection_can(self) -> None:
        act = present({"a@x.org": THERE}, {"merge.FNAME": "Anna"}, capabilities=frozenset({ROW_KEEPS_STATUS}))
        assert isinstance(act, Act)
        assert (act.batch, act.most, asks_for(act)) == ("update", 500, "")

    @pytest.mark.parametrize("standing", ["subscribed", "unsubscribed", "cleaned", "pending", "transactional"])
    def test_no_update_ever_carries_a_status(self, standing: str) -> None:
        act = present({"a@x.org": there(standing=standing)}, {"merge.FNAME": "Anna"})
        assert isinstance(act, Act)
        assert asks_for(act) == ""

    def test_our_tags_only(self) -> None:
        give = present({"a@x.org": THERE}, {"email": "a@x.org", "tags": ["ours", "new"]})
        assert isinstance(give, Act)
        assert (give.action, give.values) == ("give:new", {"tags": ["new", "ours", "theirs"]})
        take = present({"a@x.org": THERE}, {"email": "a@x.org", "tags": []})
        assert isinstance(take, Act)
        assert (take.action, take.values) == ("take:ours", {"tags": ["theirs"]})
        assert present({"a@x.org": THERE}, {"email": "a@x.org"}) == Nothing()

    def test_tags_of_which_some_are_not_known_yet_are_given_and_none_is_taken(self) -> None:
        give = present({"a@x.org": THERE}, {"email": "a@x.org", "tags": ["new"], PARTLY: ["tags"]})
        assert isinstance(give, Act)
        assert (give.action, give.values) == ("give:new", {"tags": ["new", "ours", "theirs"]})
        assert present({"a@x.org": THERE}, {"email": "a@x.org", "tags": [], PARTLY: ["tags"]}) == Nothing()
        # What is not known of another field is no word about tags.
        take = present({"a@x.org": THERE}, {"email": "a@x.org", "tags": [], PARTLY: ["merge.FNAME"]})
        assert isinstance(take, Act)
        assert take.action == "take:ours"

    def test_a_new_member_is_told_nothing_of_what_is_not_known_yet(self) -> None:
        act = present(document={"email": "a@x.org", "tags": ["new"], PARTLY: ["tags"]})
        assert isinstance(act, Act)
        assert act.values == {"email": "a@x.org", "tags": ["new"], "standing": "subscribed"}

    def test_doubt_is_looked_at_first(self) -> None:
        doubtful = {"a@x.org": there(doubtful=True)}
        assert present(doubtful) == Look("a@x.org")
        assert present(doubtful, fresh=frozenset({"a@x.org"})) == Nothing()

    def test_others_of_the_same_address_are_left_to_the_one_who_speaks(self) -> None:
        skip = present({"a@x.org": THERE}, is_writer=False)
        assert isinstance(skip, Skip)
        assert skip.reason is SkipReason.SHARES_TARGET

    def test_who_was_taken_away_is_not_made_again(self) -> None:
        skip = present({"a@x.org": member(exists=False, met=True)})
        assert isinstance(skip, Skip)
        assert skip.reason is SkipReason.NOT_AT_TARGET
        assert isinstance(present({"a@x.org": member(exists=False)}), Act)


class TestConsent:
    @pytest.mark.parametrize(
        ("old", "status"),
        [
            (member(exists=True, standing="subscribed"), "subscribed"),
            (member(exists=True, standing="pending"), "pending"),
            (member(exists=True, standing="transactional"), "transactional"),
            (member(exists=True, standing="unsubscribed"), "unsubscribed"),
            (member(exists=True, standing="cleaned"), "unsubscribed"),
            (member(exists=True, standing="archived", former="subscribed"), "subscribed"),
            (member(exists=True, standing="archived", former="cleaned"), "unsubscribed"),
            (member(exists=True, standing="archived"), "unsubscribed"),
            (member(exists=False, met=True), "unsubscribed"),
            (member(exists=True, standing="something new"), "unsubscribed"),
            (member(barred=SkipReason.FORGOTTEN), "unsubscribed"),
            (member(exists=False), "subscribed"),
        ],
    )
    def test_is_copied_down_and_never_up(self, old: TargetRecord, status: str) -> None:
        act = present({"old@x.org": old}, former=("old@x.org",), fresh=frozenset({"old@x.org"}))
        assert isinstance(act, Act)
        assert (act.action, asks_for(act), act.memory["born_of"]) == ("create", status, "old@x.org")

    def test_the_old_address_is_looked_at_before_the_new_one_gets_any(self) -> None:
        assert present({"old@x.org": THERE}, former=("old@x.org",)) == Look("old@x.org")

    @pytest.mark.parametrize("former", ["subscribed", "pending", "unsubscribed"])
    def test_an_archived_member_comes_back_as_what_it_was(self, former: str) -> None:
        archived = {"a@x.org": there(standing="archived", former=former)}
        assert present(archived) == Look("a@x.org")
        act = present(archived, fresh=frozenset({"a@x.org"}))
        assert isinstance(act, Act)
        assert (act.action, asks_for(act)) == ("return", former)

    @pytest.mark.parametrize(("former", "reason"), [("", SkipReason.NOT_AT_TARGET), ("cleaned", SkipReason.CLEANED), ("transactional", SkipReason.NOT_AT_TARGET)])  # fmt: skip
    def test_or_not_at_all(self, former: str, reason: SkipReason) -> None:
        skip = present({"a@x.org": there(standing="archived", former=former)}, fresh=frozenset({"a@x.org"}))
        assert isinstance(skip, Skip)
        assert skip.reason is reason

    def test_who_left_at_the_old_address_meanwhile_is_followed(self) -> None:
        known = {"a@x.org": there(born_of="old@x.org"), "old@x.org": there(standing="unsubscribed")}
        act = present(known, former=("old@x.org",), leaving=("old@x.org",), fresh=frozenset({"old@x.org"}))
        assert act == Act("withdraw", "a@x.org", {"standing": "unsubscribed"})

    def test_who_was_there_before_us_keeps_its_own_consent(self) -> None:
        known = {"a@x.org": THERE, "old@x.org": there(standing="unsubscribed")}
        act = present(known, former=("old@x.org",), leaving=("old@x.org",), fresh=frozenset({"old@x.org"}))
        assert isinstance(act, Act)
        assert (act.action, act.counts_as) == ("archive", "updated")


class TestAbsent:
    def test_is_looked_at_and_archived(self) -> None:
        assert absent({"a@x.org": THERE}, leaving=("a@x.org",)) == Look("a@x.org")
        act = absent({"a@x.org": THERE}, leaving=("a@x.org",), fresh=frozenset({"a@x.org"}))
        assert act == Act("archive", "a@x.org", {"standing": "archived"}, counts_as="removed")

    @pytest.mark.parametrize("known", [member(exists=False), there(standing="archived")])
    def test_once_only(self, known: TargetRecord) -> None:
        assert absent({"a@x.org": known}, leaving=("a@x.org",)) == Nothing()

    def test_or_marked(self) -> None:
        act = absent({"a@x.org": THERE}, "tag", key="a@x.org")
        assert isinstance(act, Act)
        assert act.action == "give:inactive"
        marked = there(values={"tags": ["Inactive"]})
        assert absent({"a@x.org": marked}, "tag", key="a@x.org") == Nothing()

    def test_or_left(self) -> None:
        assert absent({"a@x.org": THERE}, "leave") == Nothing()
