"""What was published once stays readable: schemas grow and never shrink."""

import copy

import pytest

from common.contracts import schemas
from vendors.registry import TOPICS


class TestSnapshots:
    @pytest.mark.parametrize("name", sorted(schemas.models()))
    def test_today_s_schema_only_adds_to_the_published_one(self, name: str) -> None:
        assert schemas.removals(schemas.snapshot(name), schemas.current()[name]) == []

    @pytest.mark.parametrize("name", sorted(schemas.models()))
    def test_the_published_schema_is_today_s(self, name: str) -> None:
        assert schemas.snapshot(name) == schemas.current()[name], "run `python -m common.contracts.schemas`"

    def test_no_snapshot_without_a_model(self) -> None:
        assert {path.stem for path in schemas.FOLDER.glob("*.json")} == set(schemas.models())


class TestRemovals:
    def test_names_a_field_that_went(self) -> None:
        old = schemas.current()["change-event"]
        new = copy.deepcopy(old)
        del new["properties"]["version"]
        assert schemas.removals(old, new) == ["/version: gone"]

    def test_names_a_new_duty_and_a_changed_type(self) -> None:
        old = schemas.current()["write-command"]
        new = copy.deepcopy(old)
        new["required"] = [*new["required"], "replay"]
        new["properties"]["revision"]["type"] = "string"
        assert len(schemas.removals(old, new)) == 2

    def test_names_an_enum_value_that_went(self) -> None:
        old = schemas.current()["change-event"]
        new = copy.deepcopy(old)
        new["properties"]["kind"]["enum"].remove("deleted")
        assert schemas.removals(old, new) == ["/kind: value 'deleted' gone"]

    def test_lets_a_field_be_added(self) -> None:
        old = schemas.current()["receipt"]
        new = copy.deepcopy(old)
        new["properties"]["added"] = {"type": "string"}
        assert schemas.removals(old, new) == []


class TestAsyncApi:
    def test_has_a_channel_for_each_declared_topic(self) -> None:
        document = schemas.asyncapi("0.1.0", TOPICS)
        assert set(document["channels"]) == {topic.name for topic in TOPICS}
        for channel in document["channels"].values():
            for message in channel["messages"].values():
                assert message["$ref"].rsplit("/", 1)[1] in document["components"]["messages"]
