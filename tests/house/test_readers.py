"""Nothing is declared that nobody reads: a promise without a keeper is worse than none."""

import ast

import pytest

from common.codes import CODES
from common.metric_register import LABELS, METRICS
from millrace.reference import import_registers
from tests.house import readers
from tests.house.readers import bases, classes, constants, decorators, functions, is_read, is_used, members, uses
from tests.house.sources import Source, product
from tests.house.test_circles import module_of

# The accident: 8 of 25 metrics that nothing set, an option that changed nothing, outcomes that nothing ended with.
MAY_BE_UNREAD = {
    # Read all at once, by a loop over their names.
    "CallAttempt.resend": "`asdict` makes a log line of it",
    "BrokerSettings.mailchimp_client_id": "`apps` reads all that end so",
    "BrokerSettings.mailchimp_client_secret": "`apps` reads all that end so",
    "BrokerSettings.quickbooks_client_id": "`apps` reads all that end so",
    "BrokerSettings.quickbooks_client_secret": "`apps` reads all that end so",
    "BrokerSettings.shopify_client_id": "`apps` reads all that end so",
    "BrokerSettings.shopify_client_secret": "`apps` reads all that end so",
    "BrokerSettings.shopify_former_client_secret": "`apps` reads all that begin with a family",
    "BrokerSettings.zoho_client_id": "`apps` reads all that end so",
    "BrokerSettings.zoho_client_secret": "`apps` reads all that end so",
    "BrokerSettings.zoho_client_secrets": "`apps` reads all that end so",
    "ServiceSettings.mailchimp_base_url": "`base_urls` reads all that end so",
    "ServiceSettings.quickbooks_base_url": "`base_urls` reads all that end so",
    "ServiceSettings.shopify_base_url": "`base_urls` reads all that end so",
    "ServiceSettings.zoho_base_url": "`base_urls` reads all that end so",
    "HistogramMetric.buckets": "a pattern takes it by its place",
    # Read outside of the product.
    "Ask.challenge": "the consent address of a vendor with PKCE carries it; the vendor of the broker's tests is one",
    # Goes, and has been announced.
    "BrokerSettings.key_provider": "does nothing; to be removed two minor versions after CHANGELOG said so",
}
MAY_BE_UNPRODUCED = {
    "Step.CONSENT": "written by its value, by a target's memory",
    "Action.REPORT": "read from a failpoint's specification by its value",
    "Shell.BASH": "an argument of the command line, by its value",
    "Shell.ZSH": "an argument of the command line, by its value",
    "Shell.FISH": "an argument of the command line, by its value",
    "Shell.PWSH": "an argument of the command line, by its value",
    "HelpTopic.EXIT_CODES": "an argument of the command line, by its value",
}
MAY_BE_UNCALLED = {
    "survivor_edited": "the judgement of pairs, which their models and suites call; owned by pairs",
    # Called by a library, by its name.
    "capture_signals": "uvicorn",
    "handle_data": "html.parser",
    "handle_starttag": "html.parser",
    "main_loop": "uvicorn",
    "on_partitions_assigned": "aiokafka",
    "on_partitions_revoked": "aiokafka",
    "settings_customise_sources": "pydantic-settings",
    # Made for tests, beside what they hold it against.
    "armed": "breaks at a failpoint of the test's own process",
    "interpreted": "the slow way that the fast way of expressions is held against",
    "snapshot": "the messages as they are, against the stored schemas",
    "version_document": "console/api/sync_documents.py, owned by the legs of syncs",
    # A value type is whole or it is none.
    "minor": "Money",
    "of_minor": "Money",
    "rounded": "Money",
    "campaigns": "a data centre of Zoho has three hosts",
}
MAY_BE_UNASKED = {
    "common.contracts.schemas.snapshot": "made for tests, as above",
    "common.failpoints.armed": "made for tests, as above",
    "common.failpoints.around": "a failpoint around a piece of work, for the points that need both of its ends",
    "common.state.pairs.judge": "the judgement of pairs, one at a time, which its suite calls; owned by pairs",
    "common.state.pairs.save": "the same",
    "common.state.pairs.survivor_edited": "the same",
    "console.api.sync_documents.version_document": "owned by the legs of syncs",
    "mapper.mapping.expressions.interpreted": "made for tests, as above",
    "millrace.bootstrap.main": "the command calls it, which is no module",
    "vendors.block.people": "for targets that render a block; the ledger of the tests is one",
    "vendors.block.render": "for targets that render a block; the ledger of the tests is one",
    "vendors.vendor.connection_of": "a connection as the tests of a vendor need one",
}
MAY_BE_UNNAMED = {
    "ECHO_WITHIN": "how long an intent must outlive its call; tests/unit/writing/test_intents.py holds the retention against it",
    "NEEDED_FOR": "how long an intent must outlive its call; tests/unit/writing/test_intents.py holds the retention against it",
    "FOR_EVER": "the register of tables, which tests/house/test_tables.py holds against the schema",
    "WITH_ITS_SUBJECT": "the register of tables, which tests/house/test_tables.py holds against the schema",
    "VAULT_FOR_EVER": "the vault's part of that register",
    "VAULT_WITH_ITS_SUBJECT": "the vault's part of that register",
    "LABELS": "the closed list that tests/house/test_registers.py holds the metrics against",
}
# Whose fields are data: made once, read somewhere.
DATA = {"NamedTuple", "BaseModel", "TypedDict", "Protocol"}
# Decorators that do not call what they decorate.
PLAIN = {
    "property",
    "classmethod",
    "staticmethod",
    "contextmanager",
    "contextlib.contextmanager",
    "asynccontextmanager",
    "cache",
}


def is_data(node: ast.ClassDef) -> bool:
    return (
        bool(bases(node) & DATA)
        or any("Settings" in one for one in bases(node))
        or any("dataclass" in one for one in decorators(node))
    )


def is_answer(source: Source, node: ast.ClassDef) -> bool:
    """What an HTTP API answers is read by its callers."""
    return "/api/" in source.name and "BaseModel" in bases(node)


def unread_fields() -> set[str]:
    data = (node for source, node in classes() if is_data(node) and not is_answer(source, node))
    return {f"{node.name}.{name}" for node in data for name in readers.fields(node) if not is_read(name)}


def unproduced_members() -> set[str]:
    enums = (node for _, node in classes() if any("Enum" in one for one in bases(node)))
    return {f"{node.name}.{name}" for node in enums for name in members(node) if name not in uses().attributes}


def uncalled_functions() -> set[str]:
    plain = (node.name for _, node in functions() if set(decorators(node)) <= PLAIN)
    return {name for name in plain if not name.startswith("__") and not is_used(name)}


def unasked_functions() -> set[str]:
    """Functions of modules that nobody takes from them: `pairs.restore` had no caller, and another's method was called `restore` too."""
    return {
        f"{module_of(source)}.{node.name}"
        for source in product()
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and set(decorators(node)) <= PLAIN
        if (module_of(source), node.name) not in readers.module_uses()
    }


def unnamed_constants() -> set[str]:
    names = (name for source in product() for name in constants(source))
    return {name for name in names if not name.startswith("__") and not is_used(name)}


def unread_options() -> set[str]:
    """Parameters of the command line's commands that their functions do not look at."""
    commands = (
        node
        for source, node in functions()
        if source.name.startswith("cli/") and any("command" in one for one in decorators(node))
    )
    return {
        f"{node.name}({option.arg})"
        for node in commands
        for option in (*node.args.args, *node.args.kwonlyargs)
        if option.arg not in {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    }


def unset_metrics() -> set[str]:
    """Metrics whose constant nobody but their register names."""
    elsewhere = {
        node.id
        for source in product()
        if not source.name.endswith("metric_register.py")
        for node in source.nodes(ast.Name)
        if isinstance(node.ctx, ast.Load)
    }
    register = next(source for source in product() if source.name.endswith("metric_register.py"))
    made = (
        node.targets[0].id
        for node in register.tree.body
        if isinstance(node, ast.Assign) and "Metric(" in ast.unparse(node.value)
    )
    return {name for name in made if name not in elsewhere}


def unraised_codes() -> set[str]:
    """Error codes of which nothing but their entry speaks: a constant counts, and so does the name as a text."""
    import_registers()
    declared: dict[str, set[str]] = {}
    spoken: set[str] = set()
    for source in product():
        own = {
            id(part) for node in source.nodes(ast.Call) if ast.unparse(node.func).endswith("Code") for part in node.args
        }
        own |= {
            id(part) for node in source.nodes(ast.Call) if ast.unparse(node.func) == "register" for part in node.args
        }
        for node in source.tree.body:
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=value)
                ) if value:
                    texts = [one for one in ast.walk(value) if isinstance(one, ast.Constant) and one.value in CODES]
                    for text in texts[:1]:
                        declared.setdefault(str(text.value), set()).add(name)
                        own.add(id(text))
        for node in source.nodes(ast.Constant, ast.Name, ast.Attribute):
            match node:
                case ast.Constant(value=str() as text) if id(node) not in own:
                    spoken.add(text)
                case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name, ctx=ast.Load()) if (
                    id(node) not in own
                ):
                    spoken.add(name)
    return {name for name in CODES if not ({name} | declared.get(name, set())) & spoken}


RULES = {
    "fields of data and settings": (unread_fields, MAY_BE_UNREAD),
    "members of enumerations": (unproduced_members, MAY_BE_UNPRODUCED),
    "functions": (uncalled_functions, MAY_BE_UNCALLED),
    "functions of modules": (unasked_functions, MAY_BE_UNASKED),
    "constants and classes": (unnamed_constants, MAY_BE_UNNAMED),
    "options of the command line": (unread_options, {}),
    "metrics": (unset_metrics, {}),
    "error codes": (unraised_codes, {}),
}


class TestReaders:
    @pytest.mark.parametrize("what", RULES)
    def test_what_is_declared_has_a_reader(self, what: str) -> None:
        unread, excused = RULES[what]
        found = unread()
        assert sorted(found - set(excused)) == [], f"{what} that nobody reads: each goes, or gets a reader"
        assert sorted(set(excused) - found) == [], "an excuse that is no longer needed"

    def test_every_label_of_a_metric_is_used(self) -> None:
        assert {label for metric in METRICS for label in metric.labels} == LABELS
