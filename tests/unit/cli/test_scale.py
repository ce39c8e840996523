"""`--scale mapper=2`: what is understood, what is refused, and what runs then."""

from __future__ import annotations

import pytest

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings import StackSettings
from millrace.stack.scale import processes_of, refuse_another, scaled
from millrace.stack.services import SERVICES, declared


def scale_of(said: str = "", *on_the_line: str) -> dict[str, int]:
    environment = {"HOME": "/nonesuch", "MILLRACE_SCALE": said}
    return dict(StackSettings.from_environment(environment, scale=on_the_line).scale)


class TestWords:
    def test_of_the_environment_and_of_the_line_which_counts_more(self) -> None:
        assert scale_of() == {}
        assert scale_of("mapper=2, writer-mailchimp=3") == {"mapper": 2, "writer-mailchimp": 3}
        assert scale_of("mapper=2", "mapper=4", "ingest=2") == {"mapper": 4, "ingest": 2}

    @pytest.mark.parametrize("word", ["mapper", "mapper=", "mapper=0", "mapper=17", "mapper=-1", "=2", "mapper=two"])
    def test_that_say_no_number_are_refused(self, word: str) -> None:
        with pytest.raises(CommandError) as refused:
            scale_of(word)
        assert refused.value.code is ExitCode.USAGE
        assert "--scale mapper=2" in refused.value.remedy

    def test_are_read_by_the_supervisor_too(self) -> None:
        settings = StackSettings.from_environment({"HOME": "/nonesuch"}, scale=("mapper=2",))
        assert dict(StackSettings.from_environment(settings.environment).scale) == {"mapper": 2}
        assert "MILLRACE_SCALE" not in settings.for_services()


class TestScaled:
    def test_replicas_follow_the_services_and_are_told_the_same(self) -> None:
        chosen = declared(demo=True)
        found = scaled(chosen, {"writer-mailchimp": 3})
        assert found[: len(chosen)] == chosen
        first = next(service for service in chosen if service.name == "writer-mailchimp")
        assert [one.name for one in found[len(chosen) :]] == ["writer-mailchimp-2", "writer-mailchimp-3"]
        assert all(
            (one.module, one.environment, one.needs) == (first.module, first.environment, first.needs)
            for one in found[len(chosen) :]
        )
        assert {one.replica_of for one in found[len(chosen) :]} == {"writer-mailchimp"}

    def test_the_services_of_the_road_can_and_the_others_say_which_can(self) -> None:
        assert [service.name for service in SERVICES if service.scales] == [
            "ingest",
            "mapper",
            "writer-mailchimp",
            "writer-zoho",
            "writer-quickbooks",
        ]
        with pytest.raises(CommandError, match="console runs as one process") as refused:
            scaled(declared(demo=False), {"console": 2})
        assert "ingest, mapper, writer-mailchimp, writer-zoho, writer-quickbooks" in refused.value.remedy
        with pytest.raises(CommandError, match="maper is no service of this stack"):
            scaled(declared(demo=False), {"maper": 2})


class TestRunning:
    NAMES = ("ingest", "mapper", "mapper-2", "mapper-3", "writer-mailchimp")

    def test_a_service_is_all_its_processes_and_a_replica_itself(self) -> None:
        assert processes_of("mapper", self.NAMES) == ["mapper", "mapper-2", "mapper-3"]
        assert processes_of("mapper-2", self.NAMES) == ["mapper-2"]
        assert processes_of("writer", self.NAMES) == []

    def test_at_another_number_it_is_not_changed_under_its_work(self) -> None:
        refuse_another({"mapper": 3, "ingest": 1}, self.NAMES)
        with pytest.raises(CommandError, match="mapper runs 3 times in it, not 2") as refused:
            refuse_another({"mapper": 2}, self.NAMES)
        assert "millrace down" in refused.value.remedy
