"""How our modules look: short, named by a noun, explained, and never hiding an error."""

import ast
import re

import pytest

from tests.house.sources import Source, product, sources

# The accident: a 900-line `utils.py` that everybody edits and nobody can name.
LONGEST = 300
# Over the limit for a reason; the reason goes here, and the entry goes away when the module is split.
LONG_FOR_A_REASON: dict[str, str] = {}

FORBIDDEN = {
    "util", "utils", "helper", "helpers", "misc", "manager", "managers", "processor", "processors",
    "data", "info", "infos", "payload", "payloads",
}  # fmt: skip
# Terms of the trade and of frameworks that contain a forbidden word.
TERMS = re.compile(
    r"handle_data|data_cent(er|re)s?|DataCent(er|re)s?|data_received|data_directory|metadata", re.IGNORECASE
)

# The one middleware decides what becomes of a record whose handler failed, so it must see every error. The others
# carry an error across a foreign library that would change or swallow it, and raise it on the other side.
MAY_CATCH_ALL = {
    "libs/common/src/common/bus/batch.py": "the one middleware",
    "services/ingest/src/ingest/read_turn.py": "returned as the failure of the record that is read alone",
    "libs/common/src/common/http/lane.py": "handed to whoever waits for it, and raised there",
    "libs/common/src/common/keeping.py": "keeps a part running: a crash is logged, counted and shown in `/readyz`, and never ends its neighbours",
    "libs/common/src/common/bus/consumer.py": "FastStream passes over what escapes its callback; `run` raises it",
}


def words(name: str) -> set[str]:
    plain = TERMS.sub("", name)
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)}


class TestLength:
    def test_no_module_outgrows_its_noun(self) -> None:
        long = {s.name: len(s.text.splitlines()) for s in sources() if len(s.text.splitlines()) > LONGEST}
        assert {name: lines for name, lines in long.items() if name not in LONG_FOR_A_REASON} == {}
        assert set(LONG_FOR_A_REASON) <= set(long), "an excuse that is no longer needed"


class TestNames:
    def test_no_module_is_named_for_nothing(self) -> None:
        found = [
            s.name for s in sources() if any(words(part) & FORBIDDEN for part in (s.path.stem, s.path.parent.name))
        ]
        assert found == []

    def test_no_class_or_function_is_named_for_nothing(self) -> None:
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        found = [
            f"{s.name}:{n.lineno} {n.name}" for s in sources() for n in s.nodes(*kinds) if words(n.name) & FORBIDDEN
        ]
        assert found == []

    @pytest.mark.parametrize(
        "name", ["ConnectionManager", "get_data", "user_info", "parse_payload", "JSONHelper", "utils"]
    )
    def test_the_rule_finds_what_it_forbids(self, name: str) -> None:
        assert words(name) & FORBIDDEN

    @pytest.mark.parametrize("name", ["data_centres", "DataCentre", "database", "inform", "manage", "metadata"])
    def test_the_rule_leaves_honest_names_alone(self, name: str) -> None:
        assert not words(name) & FORBIDDEN


class TestDocstrings:
    def test_every_module_says_what_it_is_for(self) -> None:
        silent = [s.name for s in sources() if s.text.strip() and not ast.get_docstring(s.tree)]
        assert silent == []

    def test_every_public_class_of_the_product_says_what_it_is(self) -> None:
        silent = [
            f"{s.name}:{node.lineno} {node.name}"
            for s in product()
            for node in s.tree.body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
        ]
        assert silent == []


def swallows(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes every error and raises none."""
    names = {ast.unparse(node) for node in ast.walk(handler.type)} if handler.type else {"Exception"}
    broad = bool(names & {"Exception", "BaseException"})
    return broad and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))


class TestErrors:
    # The accident: `except Exception: log` around a handler, and a batch of records that was never seen again.
    def test_nothing_is_caught_and_dropped(self) -> None:
        found = [s.name for s in product() for node in s.nodes(ast.ExceptHandler) if swallows(node)]
        assert [name for name in found if name not in MAY_CATCH_ALL] == []
        assert set(MAY_CATCH_ALL) <= set(found), "an excuse that is no longer needed"
        assert all(found.count(name) == 1 for name in MAY_CATCH_ALL if "middleware" not in MAY_CATCH_ALL[name])

    def test_nothing_is_suppressed_wholesale(self) -> None:
        found = [
            f"{s.name}:{node.lineno}"
            for s in product()
            for node in s.nodes(ast.Call)
            if ast.unparse(node.func).endswith("suppress")
            and {"Exception", "BaseException"} & {ast.unparse(a) for a in node.args}
        ]
        assert found == []

    @pytest.mark.parametrize(
        ("handler", "found"),
        [
            ("except Exception: pass", True),
            ("except (ValueError, Exception): log()", True),
            ("except: pass", True),
            ("except BaseException as e: note(e)", True),
            ("except Exception as e: raise Bug() from e", False),
            ("except ValueError: pass", False),
        ],
    )
    def test_the_rule_finds_what_it_forbids(self, handler: str, found: bool) -> None:
        tree = ast.parse(f"try:\n    x()\n{handler}")
        (node,) = (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler))
        assert swallows(node) is found


class TestSource:
    def test_the_rules_see_the_whole_tree(self) -> None:
        names = {s.name for s in sources()}
        assert "libs/common/src/common/settings.py" in names
        assert {name.split("/")[0] for name in names} >= {"libs", "cli", "sandbox"}
        assert all(isinstance(s, Source) for s in product())
