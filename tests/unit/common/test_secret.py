"""Secrets are seen by nobody who does not ask for them by name."""

import copy
import json
import pickle
from typing import ClassVar

import orjson
import pytest
import structlog
from pydantic import BaseModel

from common.secret import Secret, SecretUrl

CANARY = "canary-7f3a"


class Holder(BaseModel):
    key: Secret
    url: SecretUrl


class TestSecret:
    holder: ClassVar = Holder(key=CANARY, url=f"postgresql://u:{CANARY}@h:1/db?password={CANARY}")  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "show", [repr, str, "{}".format, "{:>40}".format, lambda s: f"{s!r}{s}", lambda s: "%s %r".__mod__((s, s))]
    )
    def test_prints_as_stars_however_it_is_printed(self, show) -> None:
        assert CANARY not in show(Secret(CANARY))
        assert "***" in show(Secret(CANARY))

    def test_reveals_only_when_asked(self) -> None:
        assert Secret(CANARY).reveal() == CANARY
        assert self.holder.key.reveal() == CANARY

    def test_hides_in_models_and_their_json(self) -> None:
        shown = repr(self.holder) + str(self.holder.model_dump(mode="json")) + self.holder.model_dump_json()
        assert CANARY not in shown + repr(self.holder.model_dump())

    def test_hides_in_serialisers_that_ask_for_a_default(self) -> None:
        assert CANARY not in json.dumps({"k": Secret(CANARY)}, default=str)
        assert CANARY not in orjson.dumps({"k": Secret(CANARY)}, default=repr).decode()
        with pytest.raises(TypeError):
            orjson.dumps({"k": Secret(CANARY)})

    def test_does_not_leave_the_process_in_a_pickle(self) -> None:
        with pytest.raises(TypeError) as refused:
            pickle.dumps(Secret(CANARY))
        assert CANARY not in str(refused.value)
        assert copy.deepcopy(Secret(CANARY)) == Secret(CANARY)

    def test_has_no_dictionary_to_look_into(self) -> None:
        with pytest.raises(TypeError):
            vars(Secret(CANARY))

    def test_hides_in_the_json_schema_too(self) -> None:
        assert Holder.model_json_schema()["properties"]["key"]["writeOnly"] is True

    def test_is_equal_by_value_and_false_when_empty(self) -> None:
        assert Secret("a") == Secret("a") != Secret("b")
        assert Secret("a") != "a"
        assert not Secret("")

    def test_hides_in_log_lines(self) -> None:
        render = structlog.processors.JSONRenderer()
        assert CANARY not in render(None, "info", {"event": "x", "thing": Secret(CANARY)})


class TestSecretUrl:
    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("postgresql://u:pw@h:5432/db", "postgresql://u:***@h:5432/db"),
            ("postgresql://u@h/db", "postgresql://u@h/db"),
            ("redis://:pw@h:1/0", "redis://:***@h:1/0"),
            ("redis://h/0?password=pw", "redis://h/0?***"),
            ("postgresql://u:p%40w@h/db", "postgresql://u:***@h/db"),
            ("postgresql://u:p@w@h/db", "postgresql://u:***@h/db"),
            ("pw-alone", "***"),
            ("http://[broken:pw@", "***"),
            ("", ""),
        ],
    )
    def test_shows_where_but_not_the_password(self, url: str, shown: str) -> None:
        assert str(SecretUrl(url)) == shown
        assert SecretUrl(url).reveal() == url
