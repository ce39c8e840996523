"""The root command: its help, its exit codes, its answers about the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from millrace.app import main
from millrace.commands import NOUNS
from millrace.exit_codes import MEANINGS, ExitCode
from millrace.settings import StackSettings
from millrace.stack.doctor import examine
from millrace.stack.jars import LIST, JarStore, read_list
from millrace.stack.services import SERVICES, read_services

VERBS = ("up", "down", "status", "logs", "doctor", "clean", "demo", "version", "help", "completion")


class TestCommand:
    def test_help_names_every_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["help"]) == 0
        shown = capsys.readouterr().out
        assert all(name in shown for name in (*VERBS, *(noun.name for noun in NOUNS)))

    @pytest.mark.parametrize("verb", VERBS)
    def test_help_of_a_command_has_examples(self, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([verb, "--help"]) == 0
        assert "Examples: millrace" in capsys.readouterr().out

    def test_exit_codes_are_explained(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["help", "exit-codes"]) == 0
        shown = capsys.readouterr().out
        assert set(MEANINGS) == set(ExitCode)
        assert all(f"{code.value:>3}  {meaning}" in shown for code, meaning in MEANINGS.items())
        assert " 75  temporary" in shown
        assert " 78  bad configuration" in shown

    def test_wrong_usage_is_two(self) -> None:
        assert main(["nonesuch"]) == 2
        assert main(["status", "--nonesuch"]) == 2

    def test_an_error_is_on_stderr_with_its_code(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("MILLRACE_NONESUCH_NAME", "1")
        assert main(["status"]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("error: MILLRACE_NONESUCH_NAME is not a setting")

    def test_version_is_the_same_document_as_a_service_gives(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["version", "--json"]) == 0
        assert {"service", "version", "commit", "schema_version"} <= set(json.loads(capsys.readouterr().out))

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "pwsh"])
    def test_completion_for_each_shell(self, shell: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["completion", shell]) == 0
        assert "millrace" in capsys.readouterr().out

    def test_status_where_nothing_ever_ran(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "none"))
        assert main(["status", "--json"]) == 3
        found = json.loads(capsys.readouterr().out)
        assert (found["state"], found["parts"], found["home"]) == ("down", {}, str(tmp_path / "none"))
        assert not (tmp_path / "none").exists()


class TestDoctor:
    def test_it_looks_at_everything_and_changes_nothing(self, tmp_path: Path) -> None:
        settings = StackSettings.from_environment({"HOME": str(tmp_path), "MILLRACE_HOME": str(tmp_path / "home")})
        findings = {finding.subject: finding for finding in examine(settings)}
        wanted = {"python", "system", "java", "postgres", "valkey", "kafka", "home", "ports", "memory", "disk", "clock"}
        assert set(findings) == wanted
        assert findings["python"].grade == "ok"
        assert "46 of 46 jars will be fetched" in findings["kafka"].words
        assert list(tmp_path.iterdir()) == []

    def test_a_part_that_the_user_gives_needs_nothing(self, tmp_path: Path) -> None:
        given = {"DATABASE_URL": "postgresql://a@b/c", "KAFKA_BOOTSTRAP_SERVERS": "b:1", "REDIS_URL": "redis://b"}
        settings = StackSettings.from_environment({"HOME": str(tmp_path), "MILLRACE_HOME": str(tmp_path), **given})
        words = {finding.subject: finding.words for finding in examine(settings)}
        assert all("not needed" in words[name] for name in ("java", "postgres", "valkey", "kafka"))

    def test_a_home_that_is_broken_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "stack.json").write_text("{")
        settings = StackSettings.from_environment({"HOME": str(tmp_path), "MILLRACE_HOME": str(tmp_path)})
        grades = {finding.subject: finding.grade for finding in examine(settings)}
        assert grades["home"] == "error"


class TestDeclarations:
    def test_the_list_of_jars_is_whole(self) -> None:
        jars = read_list(LIST)
        assert len(jars) == len({jar.file_name for jar in jars}) == 46
        assert all(len(jar.sha256) == 64 for jar in jars)
        assert JarStore.at(Path("/nonesuch")).kafka_version == "4.3.1"

    def test_services_have_names_and_ports_of_their_own(self) -> None:
        assert len({service.name for service in SERVICES}) == len(SERVICES)
        assert len({service.port for service in SERVICES}) == len(SERVICES)
        assert all(18300 <= service.port < 18350 for service in SERVICES)

    def test_services_from_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "services.toml"
        file.write_text('[[service]]\nname = "a"\nmodule = "b"\nport = 18340\nneeds = ["c"]\n')
        (found,) = read_services(file)
        assert (found.name, found.module, found.port, found.needs, found.role) == ("a", "b", 18340, ("c",), "service")
