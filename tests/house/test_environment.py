"""The environment is read in one place per program, every name in it is known, and every setting is documented."""

import ast
import json
import re

import pytest

from common.environment import SCHEMA_FILE, names_elsewhere
from common.settings import TOOL_VARIABLES, Settings
from millrace import reference
from millrace.settings_classes import settings_classes
from tests.house.sources import ROOT, Source, product, sources

# A setting that is read somewhere else is neither described, nor validated, nor printed at start.
# The command's terminal module asks what terminal it is in; that is no setting of ours.
READERS = re.compile(r"(^|/)settings\.py$|^cli/src/millrace/terminal\.py$")
NAME = re.compile(r"^MILLRACE_[A-Z][A-Z0-9_]*[A-Z0-9]$")


def reads_environment(source: Source) -> list[str]:
    found = [
        node
        for node in source.nodes(ast.Attribute, ast.ImportFrom, ast.Call)
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.environb"))
        or (isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.getenv", "getenv"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {a.name for a in node.names} & {"environ", "getenv"}
        )
    ]
    return [f"{source.name}:{node.lineno}" for node in found]


class TestEnvironment:
    def test_is_read_in_settings_only(self) -> None:
        assert [where for s in sources() if not READERS.search(s.name) for where in reads_environment(s)] == []

    def test_the_rule_finds_a_reader(self) -> None:
        assert reads_environment(next(s for s in sources() if s.name == "libs/common/src/common/settings.py"))

    def test_every_name_in_the_code_is_known(self) -> None:
        known = names_elsewhere()
        found = {
            f"{s.name}: {node.value}"
            for s in sources()
            for node in s.nodes(ast.Constant)
            if isinstance(node.value, str) and NAME.match(node.value) and node.value not in known
        }
        assert found == set(), "declare it in a settings class or in common.settings.TOOL_VARIABLES"


class TestSettings:
    @pytest.mark.parametrize("cls", settings_classes().values(), ids=lambda cls: cls.__name__)
    def test_every_field_is_described_and_frozen(self, cls: type[Settings]) -> None:
        assert cls.model_config["frozen"]
        assert [variable.name for variable in cls.variables() if not variable.meaning.endswith(".")] == []
        assert [v.name for v in cls.variables() if not v.secret and not v.example] == []

    def test_every_vendor_has_an_address_setting(self) -> None:
        folders = {path.parent.name for path in ROOT.glob("libs/vendors/src/vendors/*/client.py")}
        systems = {"zoho" if name.startswith("zoho") else name for name in folders}
        assert {f"MILLRACE_{system.upper()}_BASE_URL" for system in systems} <= names_elsewhere()

    def test_the_schema_is_a_json_schema_of_all_settings(self) -> None:
        from jsonschema import Draft202012Validator

        schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        declared = {variable.name for cls in settings_classes().values() for variable in cls.variables()}
        assert declared <= set(schema["properties"])
        assert set(TOOL_VARIABLES) <= set(schema["properties"])
        errors = [e.message for e in Draft202012Validator(schema).iter_errors({"MILLRACE_HOEM": "x"})]
        assert len(errors) == 1
        assert Draft202012Validator(schema).is_valid({"MILLRACE_HOME": "x", "PATH": "/bin"})

    def test_the_example_is_complete_and_starts_a_service(self) -> None:
        lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
        named = {line.lstrip("#").partition("=")[0] for line in lines if re.match(r"^#?[A-Z_]+=", line)}
        declared = {variable.name for cls in settings_classes().values() for variable in cls.variables()}
        assert declared <= named
        given = dict(line.split("=", 1) for line in lines if re.match(r"^[A-Z]", line))
        for cls in settings_classes().values():
            from common.settings import load

            load(cls, given)


class TestReferencePages:
    # A page made by hand is wrong within a month.
    @pytest.mark.parametrize("name", sorted(reference.PAGES))
    def test_is_what_the_code_says(self, name: str) -> None:
        assert not reference.out_of_date(name, reference.PAGES[name]()), "run `python -m millrace.reference`"

    def test_a_changed_page_is_found(self) -> None:
        assert reference.out_of_date("docs/metrics.md", reference.PAGES["docs/metrics.md"]() + "x")


class TestTime:
    # The accident: a token that is "valid" by the machine's clock and expired by the one the tests moved.
    ALLOWED = ("libs/common/src/common/clock.py", "libs/common/src/common/failpoint_actions.py")

    def test_business_time_comes_from_the_clock_alone(self) -> None:
        calls = {
            "datetime.now",
            "datetime.utcnow",
            "datetime.datetime.now",
            "time.time",
            "date.today",
            "datetime.today",
        }
        found = [
            f"{s.name}:{node.lineno}"
            for s in product()
            if not s.name.startswith("cli/") and s.name not in self.ALLOWED
            for node in s.nodes(ast.Call)
            if ast.unparse(node.func) in calls
        ]
        assert found == []
