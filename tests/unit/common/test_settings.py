"""Settings come from the environment by one set of rules, and every refusal says what to do."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from common.environment import ConfigurationError
from common.http.settings import DoorSettings
from common.settings import Secret, ServiceSettings, Settings, load

CANARY = "canary-99"
BASE = {
    "DATABASE_URL": f"postgresql://app:{CANARY}@db:5432/millrace",
    "REDIS_URL": "redis://cache:6379/0",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
}


class Inner(BaseModel):
    model_config = ConfigDict(frozen=True)
    deep_key: Secret = Field(Secret(""), description="A key inside.")


class ToySettings(ServiceSettings):
    """What a service of the tests is told."""

    toy_speed: int = Field(3, ge=1, description="How fast.", examples=["3"])
    toy_labels: dict[str, str] = Field(default_factory=dict, description="Labels as JSON.")
    toy_hosts: tuple[str, ...] = Field((), description="Hosts, with commas.")
    toy_inner: Inner = Field(default_factory=Inner, description="A group.")


def problems(env: dict[str, str], cls: type[Settings] = ToySettings) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        load(cls, env)
    assert CANARY not in str(refused.value) + repr(refused.value)
    return refused.value.problems


class TestLoad:
    def test_reads_third_party_names_as_they_are_and_ours_with_the_prefix(self) -> None:
        settings = load(ToySettings, BASE | {"PORT": "8080", "MILLRACE_TOY_SPEED": "7", "MILLRACE_HOME": "/srv/m"})
        assert (settings.port, settings.toy_speed, settings.home) == (8080, 7, Path("/srv/m"))
        assert settings.database_url.reveal() == BASE["DATABASE_URL"]

    def test_ignores_names_that_lack_their_prefix(self) -> None:
        assert load(ToySettings, BASE | {"TOY_SPEED": "7", "HOME": "/root", "HOST": "box"}).toy_speed == 3

    def test_nests_by_two_underscores(self) -> None:
        settings = load(ToySettings, BASE | {"MILLRACE_RETENTION__AUDIT_DAYS": "7"})
        assert (settings.retention.audit_days, settings.retention.dead_letter_days) == (7, 90)

    def test_reads_lists_with_commas_and_mappings_as_json(self) -> None:
        settings = load(ToySettings, BASE | {"MILLRACE_TOY_HOSTS": "a, b,", "MILLRACE_TOY_LABELS": '{"a": "b"}'})
        assert (settings.toy_hosts, settings.toy_labels) == (("a", "b"), {"a": "b"})

    def test_takes_an_empty_value_for_unset(self) -> None:
        assert load(ToySettings, BASE | {"PORT": "", "MILLRACE_PUBLIC_URL": ""}).public_url is None

    def test_is_frozen(self) -> None:
        with pytest.raises(ValidationError):
            load(ToySettings, BASE).port = 1  # type: ignore[misc]

    def test_takes_nothing_from_the_environment_when_built_by_hand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "81")
        settings = ServiceSettings(database_url=Secret("x"), redis_url=Secret("y"), kafka_bootstrap_servers="z")  # type: ignore[arg-type,call-arg]
        assert settings.port == 0

    def test_reads_the_process_environment_by_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (BASE | {"PORT": "82"}).items():
            monkeypatch.setenv(name, value)
        assert load(ServiceSettings).port == 82

    def test_gives_the_vendors_addresses_by_system(self) -> None:
        settings = load(ToySettings, BASE | {"MILLRACE_ZOHO_BASE_URL": "http://127.0.0.1:1/zoho/"})
        assert dict(settings.base_urls) == {"zoho": "http://127.0.0.1:1/zoho"}


class TestSecretFiles:
    @pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
    def test_reads_a_secret_from_its_file(self, tmp_path: Path, name: str) -> None:
        file = tmp_path / "secret"
        file.write_text(f"postgresql://u:{CANARY}@h/d\r\n")
        env = {key: value for key, value in BASE.items() if key != name} | {f"{name}_FILE": str(file)}
        settings = load(ToySettings, env)
        assert getattr(settings, name.lower()).reveal() == f"postgresql://u:{CANARY}@h/d"

    def test_reads_a_nested_secret_from_its_file(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(CANARY)
        settings = load(ToySettings, BASE | {"MILLRACE_TOY_INNER__DEEP_KEY_FILE": str(tmp_path / "key")})
        assert settings.toy_inner.deep_key.reveal() == CANARY

    def test_refuses_both_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(CANARY)
        assert problems(BASE | {"DATABASE_URL_FILE": str(tmp_path / "key")}) == (
            "DATABASE_URL and DATABASE_URL_FILE are both set: keep one of them.",
        )

    def test_says_which_file_cannot_be_read(self, tmp_path: Path) -> None:
        env = {key: value for key, value in BASE.items() if key != "REDIS_URL"}
        (problem,) = problems(env | {"REDIS_URL_FILE": str(tmp_path / "gone")})
        assert "REDIS_URL_FILE" in problem
        assert "No such file" in problem
        (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
        (problem,) = problems(env | {"REDIS_URL_FILE": str(tmp_path / "binary")})
        assert "UTF-8" in problem

    def test_offers_no_file_for_what_is_no_secret(self) -> None:
        assert problems(BASE | {"MILLRACE_HOME_FILE": "/x"})[0].startswith("MILLRACE_HOME_FILE is not a setting")


class TestHostsOfFiles:
    BASE = BASE | {"MILLRACE_TOKEN_BROKER_URL": "http://b:1", "MILLRACE_SERVICE_KEY_PATH": "/k"}

    def test_are_names_with_commas(self) -> None:
        settings = load(DoorSettings, self.BASE | {"MILLRACE_FILE_HOSTS": "files.example.org, *.store.example.org"})
        assert settings.file_hosts == ("files.example.org", "*.store.example.org")

    @pytest.mark.parametrize("typed", ["https://files.example.org", "files.example.org:443", "files.example.org/x", "*", "*.*.org", "org"])  # fmt: skip
    def test_are_nothing_but_names(self, typed: str) -> None:
        (problem,) = problems(self.BASE | {"MILLRACE_FILE_HOSTS": typed}, DoorSettings)
        assert problem.startswith("MILLRACE_FILE_HOSTS: ")


class TestRefusals:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("MILLRACE_HOM", "MILLRACE_HOME"),
            ("MILLRACE_TOY_SPED", "MILLRACE_TOY_SPEED"),
            ("MILLRACE_MAILCHMP_BASE_URL", "MILLRACE_MAILCHIMP_BASE_URL"),
            ("MILLRACE_RETENTION_AUDIT_DAYS", "MILLRACE_RETENTION__AUDIT_DAYS"),
        ],
    )
    def test_names_what_was_probably_meant(self, typed: str, meant: str) -> None:
        assert problems(BASE | {typed: "x"}) == (f"{typed} is not a setting of Millrace: did you mean {meant}?",)

    def test_says_so_when_nothing_is_close(self) -> None:
        (problem,) = problems(BASE | {"MILLRACE_QQQQ": "1"})
        assert "millrace config schema" in problem

    def test_accepts_what_another_part_reads(self) -> None:
        load(ToySettings, BASE | {"MILLRACE_TEST_STACK": "/x", "MILLRACE_JAR_REPOSITORY": "https://r"})

    def test_names_every_problem_at_once_with_the_remedy(self) -> None:
        found = problems({"PORT": "eighty", "LOG_LEVEL": "loud", "MILLRACE_ZOHO_BASE_URL": "ftp://x"})
        by_name = {problem.split()[0].rstrip(":"): problem for problem in found}
        assert set(by_name) == {
            "DATABASE_URL",
            "REDIS_URL",
            "KAFKA_BOOTSTRAP_SERVERS",
            "PORT",
            "LOG_LEVEL",
            "MILLRACE_ZOHO_BASE_URL",
        }
        assert "is missing" in by_name["DATABASE_URL"]
        assert "Example: DATABASE_URL=postgresql://" in by_name["DATABASE_URL"]
        assert "'eighty'" in by_name["PORT"]
        assert "'debug', 'info', 'warning' or 'error'" in by_name["LOG_LEVEL"]

    def test_names_a_nested_variable_in_full(self) -> None:
        (problem,) = problems(BASE | {"MILLRACE_RETENTION__AUDIT_DAYS": "-1"})
        assert problem.startswith("MILLRACE_RETENTION__AUDIT_DAYS: '-1' should be greater than or equal to 1")

    def test_never_repeats_a_secret(self) -> None:
        def refuse(secret: Secret) -> Secret:
            raise ValueError("a key starts with k")

        class Strict(Settings):
            """A secret with a rule of its own."""

            strict_key: Annotated[Secret, AfterValidator(refuse)] = Field(description="A key.")

        (problem,) = problems({"MILLRACE_STRICT_KEY": CANARY}, Strict)
        assert problem == "MILLRACE_STRICT_KEY: its value is refused: a key starts with k. A key."

    def test_suppresses_the_original_error_which_holds_what_was_typed(self) -> None:
        with pytest.raises(ConfigurationError) as refused:
            load(ToySettings, BASE | {"PORT": "x"})
        assert refused.value.__suppress_context__


class TestRedaction:
    def test_shows_every_setting_and_no_secret(self) -> None:
        settings = load(ToySettings, BASE | {"KAFKA_SASL_PASSWORD": CANARY, "MILLRACE_TOY_INNER__DEEP_KEY": CANARY})
        shown = settings.redacted()
        assert CANARY not in repr(shown) + repr(settings) + str(settings) + settings.model_dump_json()
        assert shown["DATABASE_URL"] == "postgresql://app:***@db:5432/millrace"
        assert {variable.name for variable in settings.variables()} == set(shown)
