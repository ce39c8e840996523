"""`millrace config` tells what can be set and what is set, and tries it without starting anything."""

import json
import os
import subprocess

import pytest
from jsonschema import Draft202012Validator

from tests.support import programs

CANARY = "canary-55"
BASE = {
    "DATABASE_URL": f"postgresql://u:{CANARY}@h/d",
    "REDIS_URL": f"redis://:{CANARY}@h",
    "KAFKA_BOOTSTRAP_SERVERS": "k:1",
    "MILLRACE_TOKEN_BROKER_URL": "http://127.0.0.1:1",
    "MILLRACE_SERVICE_KEY_PATH": "/nothing/service.key",
    "MILLRACE_API_TOKEN_PATH": "/nothing/api.token",
}


def millrace(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return programs.run("millrace", "config", *words, environment={"PATH": os.environ["PATH"], **env}, within=60)


class TestConfig:
    def test_schema_is_a_json_schema_on_stdout_alone(self) -> None:
        done = millrace("schema", env={})
        assert (done.returncode, done.stderr) == (0, "")
        Draft202012Validator.check_schema(json.loads(done.stdout))
        assert "MILLRACE_HOME" in json.loads(done.stdout)["properties"]

    def test_show_hides_secrets(self) -> None:
        done = millrace("show", "--json", env=BASE | {"LOG_LEVEL": "debug"})
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["LOG_LEVEL"] == "debug"
        assert CANARY not in done.stdout + done.stderr
        assert "LOG_LEVEL=debug\n" in millrace("show", env=BASE | {"LOG_LEVEL": "debug"}).stdout

    def test_check_accepts_what_a_service_would_accept(self) -> None:
        done = millrace("check", env=BASE)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("The settings are accepted by ")

    @pytest.mark.parametrize(
        ("env", "words"),
        [
            (BASE | {"MILLRACE_HOEM": "/x"}, "did you mean MILLRACE_HOME?"),
            (BASE | {"LOG_LEVEL": "loud"}, "LOG_LEVEL: 'loud' should be"),
            ({}, "DATABASE_URL is missing"),
        ],
    )
    def test_check_names_every_problem_once_and_exits_with_two(self, env: dict[str, str], words: str) -> None:
        done = millrace("check", "--json", env=env)
        assert done.returncode == 2
        assert done.stderr.count(words) == 1
        assert CANARY not in done.stdout + done.stderr
        document = json.loads(done.stdout)
        assert not document["ok"]
        assert any(words in problem for problem in document["problems"])
