"""What we build on is declared where it is used, locked with hashes, and imported only when it is needed."""

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from millrace import check, import_contracts
from millrace.commands import NOUNS, Noun
from tests.house.sources import ROOT, Source, members, sources, workspace
from tests.support import programs
from tests.support.programs import ProgramServer

LOCKS = ("requirements.lock", "requirements-local.lock", "requirements-dev.lock")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)


def own_packages() -> dict[str, str]:
    """Our import names and the distributions that bring them."""
    return {
        path.parent.name: members()[path.relative_to(ROOT).as_posix().split("/src/")[0]]["project"]["name"]
        for path in ROOT.glob("*/src/*/__init__.py")
    } | {
        path.parent.name: members()[path.relative_to(ROOT).as_posix().split("/src/")[0]]["project"]["name"]
        for path in ROOT.glob("*/*/src/*/__init__.py")
    }


def imported(source: Source) -> set[str]:
    """The top-level names a module imports, wherever in it."""
    plain = {alias.name for node in source.nodes(ast.Import) for alias in node.names}
    return {
        name.partition(".")[0] for name in plain | {n.module or "" for n in source.nodes(ast.ImportFrom) if not n.level}
    }


def declared(folder: str) -> set[str]:
    project = members()[folder]["project"]
    lines = [
        *project.get("dependencies", []),
        *(d for extra in project.get("optional-dependencies", {}).values() for d in extra),
    ]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def undeclared(folder: str) -> set[str]:
    """Imports of a member that its own declaration does not cover."""
    ours, foreign = own_packages(), packages_distributions()
    allowed = declared(folder) | {canonicalize_name(members()[folder]["project"]["name"])}
    missing = set()
    for source in sources():
        if source.member.relative_to(ROOT).as_posix() != folder:
            continue
        for name in imported(source) - set(sys.stdlib_module_names):
            bringers = {ours[name]} if name in ours else set(foreign.get(name, [name]))
            if not {canonicalize_name(bringer) for bringer in bringers} & allowed:
                missing.add(f"{source.name}: {name}")
    return missing


# Brought by a declared package that promises it; declaring both would let them drift apart.
PROMISED = {"pydantic_core", "opentelemetry", "click"}


class TestDeclarations:
    # The accident: a service that works because another member happened to install what it imports.
    @pytest.mark.parametrize("folder", sorted(members()))
    def test_a_member_declares_what_it_imports(self, folder: str) -> None:
        assert {line for line in undeclared(folder) if line.rsplit(" ", 1)[1] not in PROMISED | LOCAL} == set()

    def test_the_rule_finds_an_undeclared_import(self) -> None:
        assert "fastapi" not in declared("libs/common")
        assert "faststream" in declared("libs/common")

    def test_distributions_carry_the_prefix(self) -> None:
        names = {declaration["project"]["name"] for declaration in members().values()}
        assert all(name == "millrace" or name.startswith("millrace-") for name in names)


def local_group() -> set[str]:
    return {Requirement(line).name.replace("-", "_") for line in workspace()["dependency-groups"]["local"]}


# The local stack imports these late and says what is missing when they are.
LOCAL = local_group()


def pins(lock: str) -> dict[str, Version]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {canonicalize_name(found["name"]): Version(found["version"]) for found in PIN.finditer(text)}


class TestLocks:
    @pytest.mark.parametrize("lock", LOCKS)
    def test_names_no_host(self, lock: str) -> None:
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host| @ ", text) == []

    @pytest.mark.parametrize("lock", LOCKS)
    def test_every_pin_has_its_hash(self, lock: str) -> None:
        text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        assert [line[:60] for line in lines if "--hash=sha256:" not in line] == []
        assert len(lines) == len(pins(lock))

    def test_covers_what_the_members_declare(self) -> None:
        ours = {canonicalize_name(declaration["project"]["name"]) for declaration in members().values()}
        lines = [line for declaration in members().values() for line in declaration["project"].get("dependencies", [])]
        self._assert_covered(
            [line for line in lines if canonicalize_name(Requirement(line).name) not in ours], "requirements.lock"
        )

    @pytest.mark.parametrize(
        ("group", "lock"), [("local", "requirements-local.lock"), ("dev", "requirements-dev.lock")]
    )
    def test_covers_the_groups(self, group: str, lock: str) -> None:
        self._assert_covered(workspace()["dependency-groups"][group], lock)

    def test_the_locks_agree(self) -> None:
        together = [pins(lock) for lock in LOCKS]
        for name in {name for locked in together for name in locked}:
            assert len({locked[name] for locked in together if name in locked}) == 1, name

    @staticmethod
    def _assert_covered(lines: list[str], lock: str) -> None:
        locked = pins("requirements.lock") | pins(lock)
        wanted = [Requirement(line) for line in lines]
        missing = [str(r) for r in wanted if canonicalize_name(r.name) not in locked]
        assert missing == []
        assert [
            str(r) for r in wanted if not r.specifier.contains(locked[canonicalize_name(r.name)], prereleases=True)
        ] == []


class TestImportTime:
    # `import faststream.kafka` takes up to 1.4 s; nobody waits that long for `--help`.
    @pytest.mark.parametrize("heavy", ["faststream", "aiokafka", "opentelemetry.sdk", "fastapi"])
    def test_the_command_starts_without_heavy_libraries(self, heavy: str) -> None:
        code = f"import sys, millrace.app; sys.exit({heavy!r} in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0

    # Each of them costs more than the command itself; counted, because a clock tells about the machine.
    @pytest.mark.parametrize(
        ("words", "light_of"),
        [
            (["--help"], {"rich", "httpx", "asyncio", "ssl", "pydantic_settings", "pygments"}),
            (["status"], {"rich", "httpx", "asyncio", "ssl", "pydantic_settings", "pygments"}),
            (["sync", "list"], {"asyncpg", "pydantic_settings", "uvicorn", "yaml"}),
        ],
        ids=("help", "status", "sync list"),
    )
    def test_what_is_asked_often_imports_only_what_it_needs(
        self, words: list[str], light_of: set[str], tmp_path: Path
    ) -> None:
        code = f"import sys; from millrace.app import main; main({words!r}); print(*sys.modules, file=sys.stderr)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"MILLRACE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert light_of & set(done.stderr.split()) == set()

    @pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
    def test_a_noun_says_the_same_of_itself_before_it_is_imported(self, noun: Noun) -> None:
        assert importlib.import_module(noun.module).app.info.help == noun.help


@pytest.fixture(scope="module")
def linter() -> Iterator[ProgramServer]:
    """What lints one broken tree after the other, and has imported nothing of ours: it would be looked at instead."""
    server = ProgramServer()
    yield server
    server.close()


class TestImportContracts:
    def test_are_kept(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert check.main(["imports"]) == 0, capfd.readouterr().out

    def test_name_every_vendor_and_every_service(self) -> None:
        contracts = {contract["name"]: contract for contract in workspace()["tool"]["importlinter"]["contracts"]}
        folders = {f"vendors.{path.parent.name}" for path in ROOT.glob("libs/vendors/src/vendors/*/client.py")} - {
            "vendors.zoho"
        }
        assert folders <= set(contracts["vendors do not know each other"]["modules"])
        assert set(own_packages()) <= set(workspace()["tool"]["importlinter"]["root_packages"])

    @pytest.mark.parametrize(
        ("module", "line", "contract"),
        [
            ("common/x.py", "import vendors.shopify", "services, then writing"),
            ("ingest/x.py", "import mapper", "services, then writing"),
            ("token_broker/vault/x.py", "import token_broker.consent", "the token-broker's rooms"),
            ("token_broker/refresh/x.py", "import token_broker.consent", "the token-broker's rooms"),
            ("token_broker/x.py", "", "the token-broker's rooms"),
            ("vendors/shopify/x.py", "import vendors.mailchimp", "vendors do not know each other"),
            ("vendors/mailchimp/x.py", "import vendors.zoho", "only the Zoho family"),
            ("vendors/shopify/x.py", "import asyncpg", "no Kafka, no SQL"),
            ("vendors/shopify/x.py", "import common.bus", "no Kafka, no SQL"),
            ("sandbox/x.py", "import vendors.shopify", "the sandbox knows nothing"),
            ("millrace/x.py", "import sandbox", "the product knows nothing"),
        ],
    )
    def test_break_when_they_are_broken(
        self, tmp_path: Path, linter: ProgramServer, module: str, line: str, contract: str
    ) -> None:
        src = tmp_path / "all" / "src"
        packages = [*workspace()["tool"]["importlinter"]["root_packages"], "common/bus", "common/state", "vendors/zoho"]
        packages += [f"token_broker/{room}" for room in ("api", "consent", "refresh", "accounts", "vault")]
        vendors = ("mailchimp", "quickbooks", "shopify", "zoho_books", "zoho_campaigns", "zoho_crm")
        for package in [*packages, *(f"vendors/{vendor}" for vendor in vendors)]:
            (src / package).mkdir(parents=True, exist_ok=True)
            (src / package / "__init__.py").touch()
        (src / module).write_text(line)
        (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        config = import_contracts.write(tmp_path, tmp_path / "contracts.ini")
        words = ("--config", str(config), "--no-cache")
        done = programs.run("tests.support.import_linter", *words, environment={}, within=60, folder=src, server=linter)
        broken = [text for text in done.stdout.splitlines() if text.endswith("BROKEN")]
        assert done.returncode == 1
        assert len(broken) == 1, done.stdout
        assert contract in broken[0]
