"""compose.yaml is valid, runs what the supervisor runs, and tells each service nothing that it would refuse."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from millrace import container_setup
from millrace.settings_classes import settings_classes
from millrace.stack import kafka
from millrace.stack.services import SERVICES, Service

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = [service for service in SERVICES if not service.demo]
SERVERS = {"kafka", "postgres", "valkey", "setup"}


def described(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][service.name]
    return found


class TestCompose:
    def test_is_valid_by_the_specification_s_schema(self) -> None:
        checked = subprocess.run(
            [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(ROOT / "compose.yaml")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def test_runs_exactly_what_the_supervisor_runs(self) -> None:
        assert set(COMPOSE["services"]) - SERVERS == {service.name for service in OURS}

    @pytest.mark.parametrize("service", OURS, ids=lambda s: s.name)
    def test_starts_the_same_module(self, service: Service) -> None:
        assert described(service)["build"]["args"]["SERVICE"] == service.module

    @pytest.mark.parametrize("service", OURS, ids=lambda s: s.name)
    def test_tells_a_service_the_same_settings(self, service: Service) -> None:
        told = set(described(service)["environment"])
        missing = {name for name in service.environment if name not in told}
        assert missing == set()

    @pytest.mark.parametrize("service", OURS, ids=lambda s: s.name)
    def test_tells_a_service_nothing_it_would_refuse(self, service: Service) -> None:
        known = {variable.name for cls in settings_classes().values() for variable in cls.variables()}
        known |= {f"{name}_FILE" for name in known}
        assert {name for name in described(service)["environment"] if name not in known} == set()

    @pytest.mark.parametrize("service", OURS, ids=lambda s: s.name)
    def test_a_service_reads_its_own_secrets_and_no_other(self, service: Service) -> None:
        subpaths = [volume["volume"]["subpath"] for volume in described(service)["volumes"] if isinstance(volume, dict)]
        assert subpaths == [service.name]

    @pytest.mark.parametrize("service", OURS, ids=lambda s: s.name)
    def test_a_service_is_not_root_and_cannot_write_its_image(self, service: Service) -> None:
        found = described(service)
        assert found["read_only"] is True
        assert found["user"].split(":")[0] != "0"
        assert found["cap_drop"] == ["ALL"]

    @pytest.mark.parametrize("server", sorted(SERVERS - {"setup"}))
    def test_a_server_has_a_pinned_version_and_a_health_check(self, server: str) -> None:
        found = COMPOSE["services"][server]
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-\w+)?", found["image"])
        assert found["healthcheck"]["test"]

    def test_kafka_is_the_release_of_the_local_stack(self) -> None:
        jars = (Path(kafka.__file__).parent / "kafka-jars.txt").read_text()
        release = re.search(r"org\.apache\.kafka:kafka-server:(\S+)|org\.apache\.kafka:kafka_2\.13:(\S+)", jars)
        assert release is not None
        assert COMPOSE["services"]["kafka"]["image"].endswith(":" + (release[1] or release[2]))

    def test_every_published_port_is_on_loopback(self) -> None:
        ports = [port for found in COMPOSE["services"].values() for port in found.get("ports", [])]
        assert ports
        assert all(port.startswith("127.0.0.1:") for port in ports)

    def test_ports_are_those_of_the_local_stack(self) -> None:
        published = {
            name: found["ports"][0].split(":")[1] for name, found in COMPOSE["services"].items() if "ports" in found
        }
        assert published == {s.name: str(s.port) for s in OURS if s.name in published}


class TestDockerfile:
    TEXT = (ROOT / "Dockerfile").read_text()

    def test_bases_are_pinned_and_the_process_is_not_root(self) -> None:
        bases = re.findall(r"^FROM (\S+)", self.TEXT, re.M)
        assert bases
        assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-[\w-]+", base) for base in bases)
        assert re.search(r"^USER (?!0)\d+", self.TEXT, re.M)

    def test_installs_only_what_is_hashed(self) -> None:
        installs = re.findall(r"pip install (.*)", self.TEXT)
        assert installs
        assert all("--require-hashes" in line and "requirements.lock" in line for line in installs)

    def test_has_a_health_check_and_stops_on_a_signal(self) -> None:
        assert "HEALTHCHECK" in self.TEXT
        assert re.search(r'^ENTRYPOINT \["python"', self.TEXT, re.M)


class TestContainerSetup:
    def test_makes_each_service_its_own_secrets_once(self, tmp_path: Path) -> None:
        container_setup.make_secrets(tmp_path, "postgresql://owner:o@db:5432/millrace")
        before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
        container_setup.make_secrets(tmp_path, "postgresql://owner:o@db:5432/millrace")
        assert before == {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
        assert all(path.stat().st_mode & 0o077 == 0 for path in before)

    def test_gives_each_service_the_address_of_its_own_role(self, tmp_path: Path) -> None:
        container_setup.make_secrets(tmp_path, "postgresql://owner:o@db:5432/millrace")
        for service in OURS:
            url = (tmp_path / service.name / "database-url").read_text()
            assert url.startswith(f"postgresql://millrace_{service.role}:")
            assert url.endswith("@db:5432/millrace")

    def test_tells_the_broker_hashes_and_no_keys(self, tmp_path: Path) -> None:
        container_setup.make_secrets(tmp_path, "postgresql://owner:o@db:5432/millrace")
        text = (tmp_path / "token-broker" / "callers.json").read_text()
        key = (tmp_path / "ingest" / "service.key").read_text()
        assert key not in text
        assert json.loads(text)["ingest"]["sha256"] == [hashlib.sha256(key.encode()).hexdigest()]

    def test_permits_what_the_broker_permits_by_itself(self) -> None:
        from token_broker.api.callers import permission_of

        for name, (vendors, rights) in container_setup.RIGHTS.items():
            permitted = permission_of(name)
            assert (tuple(vendors), frozenset(rights)) == (permitted.vendors, permitted.rights)
