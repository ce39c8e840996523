"""Whose fault it is decides whether a batch waits, the consumer stops, or a record is buried."""

from __future__ import annotations

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from pydantic import BaseModel, ValidationError

from common.bus.judgement import BatchJudgement, blamed, judge, unreadable
from common.failures import Bug, Conflict, RateLimited, Rejected, Transient, Unauthorised, Unknown


class Asked(BaseModel):
    email: int


def invalid() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate({"email": "anna@example.org"})
    return caught.value


def of_the_server(sqlstate: str, severity: str) -> asyncpg.PostgresError:
    return asyncpg.PostgresError.new({"C": sqlstate, "V": severity, "M": "x"})


class TestJudge:
    @pytest.mark.parametrize(
        "error",
        [
            Transient("X", "x"),
            Unknown("X", "x"),
            RateLimited("X", "x"),
            Conflict("X", "x"),
            KafkaConnectionError(),
            ConnectionRefusedError(),
            TimeoutError(),
            asyncpg.CannotConnectNowError("starting"),
            asyncpg.AdminShutdownError("bye"),
            asyncpg.TooManyConnectionsError("full"),
            asyncpg.DeadlockDetectedError("dead"),
            asyncpg.QueryCanceledError("slow"),
            asyncpg.DiskFullError("full"),
            asyncpg.ReadOnlySQLTransactionError("standby"),
            asyncpg.ConnectionDoesNotExistError("gone"),
            asyncpg.InterfaceError("connection is closed"),
            # The server has said that it goes down, and the driver has not heard yet that the line is cut.
            asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
            asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
            of_the_server("55000", "FATAL"),
        ],
    )
    def test_what_comes_back_is_waited_for(self, error: Exception) -> None:
        assert judge(error) is BatchJudgement.WAIT

    @pytest.mark.parametrize(
        "error",
        [
            asyncpg.UndefinedTableError("x"),
            asyncpg.UndefinedColumnError("x"),
            asyncpg.InsufficientPrivilegeError("x"),
        ],
    )
    def test_a_schema_that_does_not_fit_stops(self, error: Exception) -> None:
        assert judge(error) is BatchJudgement.STOP

    @pytest.mark.parametrize(
        "error",
        [
            Rejected("X", "x"),
            Bug("X", "x"),
            Unauthorised("X", "x"),
            KeyError("x"),
            asyncpg.UniqueViolationError("x"),
            asyncpg.NumericValueOutOfRangeError("x"),
            asyncpg.exceptions._base.DataError("x"),
            of_the_server("55000", "ERROR"),
            invalid(),
        ],
    )
    def test_the_rest_is_about_a_record(self, error: Exception) -> None:
        assert judge(error) is BatchJudgement.BLAME


class TestWords:
    def test_a_refused_message_names_the_field_and_not_its_value(self) -> None:
        failure = unreadable(invalid())
        assert "email: int_parsing" in failure.message
        assert "anna" not in failure.message

    def test_a_bug_names_the_line_and_not_the_value(self) -> None:
        try:
            {}["anna@example.org"]
        except KeyError as error:
            failure = blamed(error)
        assert "KeyError at test_judgement.py" in failure.message
        assert "anna" not in failure.message

    def test_a_failure_keeps_its_own_words(self) -> None:
        own = Rejected("X", "because")
        assert blamed(own) is own
        assert unreadable(own) is own
