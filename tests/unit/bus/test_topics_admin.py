"""Topics are made as soon as a broker takes them: one that its controller has not heard of for a moment is asked again."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from common.bus import topics_admin
from common.bus.topics_admin import TopicsRefused
from vendors.registry import TOPICS

EXISTS, NOT_ALLOWED, NO_COPIES = 36, 29, 38
TWO = list(TOPICS)[:2]


class Admin:
    """Answers with one code a topic, call by call; the last answer is for ever."""

    def __init__(self, *answers: Sequence[int]) -> None:
        self.answers, self.asked, self.copies = list(answers), 0, set[int]()

    async def describe_cluster(self) -> dict[str, Any]:
        # A broker that is unheard of is not listed.
        return {"brokers": [] if NO_COPIES in self.answers[0] else [{"node_id": 1}]}

    async def create_topics(self, news: Any, timeout_ms: int) -> Any:
        self.asked += 1
        self.copies |= {one.replication_factor for one in news}
        codes = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        told = [
            {"topic": one.name, "error_code": code, "error_message": f"words of {code}"}
            for one, code in zip(news, codes, strict=True)
        ]
        return SimpleNamespace(to_object=lambda: {"topic_errors": told})


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics_admin, "_ASKED_AGAIN_S", 0.0)


class TestCreate:
    async def test_asks_again_while_no_broker_is_heard_of(self) -> None:
        admin = Admin([NO_COPIES, NO_COPIES], [0, NO_COPIES], [EXISTS, 0])
        await topics_admin._create(admin, TWO)
        assert (admin.asked, admin.copies) == (3, {1})

    async def test_of_what_another_was_quicker_to_make_is_enough(self) -> None:
        admin = Admin([EXISTS, 0])
        await topics_admin._create(admin, TWO)
        assert admin.asked == 1

    async def test_that_is_not_allowed_is_refused_at_once(self) -> None:
        admin = Admin([0, NOT_ALLOWED])
        with pytest.raises(TopicsRefused, match=f"{TWO[1].name}: words of {NOT_ALLOWED}"):
            await topics_admin._create(admin, TWO)
        assert admin.asked == 1

    async def test_is_given_up_with_the_brokers_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(topics_admin, "_UNHEARD_S", -1.0)
        admin = Admin([NO_COPIES, NO_COPIES])
        with pytest.raises(TopicsRefused, match=f"words of {NO_COPIES}"):
            await topics_admin._create(admin, TWO)
        assert admin.asked == 1
