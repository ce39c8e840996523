"""What the command reads of the environment, and what it hands on."""

from __future__ import annotations

from pathlib import Path

import pytest

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings import CHECKOUT, StackSettings


def settings(**environment: str) -> StackSettings:
    return StackSettings.from_environment({"HOME": "/nonesuch", **environment})


class TestStackSettings:
    def test_the_home_is_in_the_checkout_unless_named(self) -> None:
        assert settings().home == CHECKOUT / ".millrace"
        assert settings(MILLRACE_HOME="/tmp/other").home == Path("/tmp/other")

    def test_no_demo_is_any_value_but_nothing_and_zero(self) -> None:
        assert [settings(NO_DEMO=value).demo for value in ("", "0", "1", "yes")] == [True, True, False, False]

    @pytest.mark.parametrize("text", ["80-90", "9000", "9000-8000", "a-b", "9000-70000"])
    def test_a_range_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(CommandError) as refused:
            settings(MILLRACE_PORT_RANGE=text)
        assert refused.value.code is ExitCode.USAGE

    def test_an_unknown_name_is_refused_with_the_nearest_known_one(self) -> None:
        with pytest.raises(CommandError) as refused:
            settings(MILLRACE_HOM="/tmp")
        assert refused.value.remedy == "Did you mean MILLRACE_HOME?"

    def test_a_secret_can_come_from_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "url").write_text("postgresql://a:b@c/d\n")
        assert settings(DATABASE_URL_FILE=str(tmp_path / "url")).database_url == "postgresql://a:b@c/d"
        with pytest.raises(CommandError, match="cannot be read"):
            settings(DATABASE_URL_FILE=str(tmp_path / "none"))

    def test_extra_services_are_for_tests_alone(self) -> None:
        assert settings(MILLRACE_TEST_SERVICES="/tmp/x").extra_services is None
        assert settings(MILLRACE_TEST_SERVICES="/tmp/x", MILLRACE_TEST="1").extra_services == Path("/tmp/x")

    def test_servers_do_not_see_the_users_variables_for_them(self) -> None:
        found = settings(PGPORT="1", KAFKA_OPTS="-Dx", PATH="/bin", DATABASE_URL="postgresql://a@b/c").for_servers()
        assert found == {"HOME": "/nonesuch", "PATH": "/bin"}

    def test_services_inherit_all_but_what_they_are_told_anew(self) -> None:
        given = {"OTEL_TRACES_SAMPLER": "always_on", "LOG_FORMAT": "console"}
        own = {"MILLRACE_PORT_RANGE": "20000-20010", "REDIS_URL": "redis://a", "NO_DEMO": "1"}
        assert settings(**given, **own).for_services() == {"HOME": "/nonesuch", **given}

    def test_no_secret_is_in_its_repr(self) -> None:
        assert "sesame" not in repr(settings(DATABASE_URL="postgresql://a:sesame@b/c", REDIS_URL="redis://:sesame@b"))
