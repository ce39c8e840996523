"""A vendor is taken out by deleting what is named after it and its lines in two lists: the rest stands as it was."""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from millrace import check
from tests.support.without import Copy, without
from vendors.registry import VENDORS

# What may name it still, and why. A list of vendors that is kept a second time has no place here.
MAY_NAME_IT = (
    # Words for people, and examples in the help.
    "CHANGELOG.md", "README.md", "*/README.md", "docs/*", "cli/src/millrace/commands/*.py",
    # The demo joins two vendors.
    "cli/src/millrace/demo.py", "cli/src/millrace/demo_company.py", "cli/src/millrace/demo_run.py",
    "cli/src/millrace/demo_crm.py", "cli/src/millrace/demo_shop.py", "cli/src/millrace/demo_accounting.py",
    "cli/src/millrace/stack/sandbox_clients.py", "cli/src/millrace/stack/services.py",
    # The settings of its family, which are named one by one so that a typing error is found.
    "compose.yaml", "libs/common/src/common/settings.py", "libs/common/src/common/settings_schema.json",
    "services/token-broker/src/token_broker/settings.py",
    # What was, what is measured, and names of packages that are passed over when there is none.
    "libs/common/src/common/state/migrations/*.sql", "bench/*.py", "pyproject.toml", "requirements-dev.lock", "tests/*",
    # Names that an organisation gives its own fields, and the word by which a shop calls a way of paying.
    "libs/vendors/src/vendors/zoho_books/invoice_wire.py", "libs/vendors/src/vendors/zoho_books/organisation_lists.py",
    "sandbox/src/sandbox/zoho_books/start.py",
    # What the books of a family know of their sister product's records.
    "sandbox/src/sandbox/zoho_books/contact_views.py", "sandbox/src/sandbox/zoho_books/crm_links.py",
    "sandbox/src/sandbox/zoho_books/items.py", "libs/vendors/src/vendors/zoho_books/tellers.py",
    # What its family shares.
    "libs/vendors/src/vendors/zoho/*", "sandbox/src/sandbox/zoho_accounts/*",
)  # fmt: skip
HOUSE = ("tests/house", "tests/contract/deployment/test_compose.py")
# Of these, the tests for which something is different without it: the others have said what they say.
LEFT = ("tests/unit", "tests/contract/messages")
# These make environments, homes and processes of their own: what is in the checkout is nothing to them. And the bench measures a road between
# two vendors.
NOT_CONCERNED = (
    *(f"tests/unit/cli/test_{name}.py" for name in ("bootstrap", "home", "processes", "unit")),
    "tests/unit/bus/test_waits.py", "tests/unit/bench/*",
)  # fmt: skip
# Asked of the whole tree: what the vendor alone has used, such as the builder of writers while there is one, has no reader without it.
# And the road of the README, which leads from one vendor to the other.
OF_ALL_VENDORS = ("tests/house/test_readers.py", "tests/house/test_road.py")

# All of them, but for the pages that the copy has just made.
CHECKS = [step.name for step in check.steps() if step.name != "reference pages"]
# Their tests take two minutes a vendor. The two of the README's road stand for all; `make test-long` takes each.
TESTED = sorted(VENDORS) if os.environ.get("TAKEN_OUT") == "all" else ["mailchimp", "zoho-books"]


@pytest.fixture(scope="module", params=sorted(VENDORS))
def copy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = without(request.param, tmp_path_factory.mktemp("without") / request.param)
    done = made.run("-m", "millrace.reference")
    assert done.returncode == 0, done.stdout + done.stderr
    yield made
    made.forget()


@pytest.mark.slow
class TestWithoutIt:
    def test_nothing_is_left_of_it(self, copy: Copy) -> None:
        assert copy.vendor not in copy.run("-c", "from vendors.registry import VENDORS; print(*VENDORS)").stdout.split()
        assert [path for path in copy.naming() if not any(fnmatchcase(path, one) for one in MAY_NAME_IT)] == []

    @pytest.mark.timeout(400)
    def test_the_checks_find_nothing(self, copy: Copy) -> None:
        done = copy.run("-m", "millrace.check", *CHECKS)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.timeout(700)
    @pytest.mark.parametrize("copy", TESTED, indirect=True)
    def test_the_tests_that_are_left_pass(self, copy: Copy) -> None:
        concerned = [path for path in copy.concerned(*LEFT) if not any(fnmatchcase(path, one) for one in NOT_CONCERNED)]
        assert concerned
        done = copy.run(
            "-m", "pytest", "-q", *(f"--ignore={one}" for one in OF_ALL_VENDORS), *HOUSE, *concerned, timeout=600
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr
        print(f"{len(concerned)} files of tests are concerned;", done.stdout.splitlines()[-1])

    def test_the_copy_sees_nothing_of_the_original(self, copy: Copy) -> None:
        done = copy.run("-c", "import sys, common; print(common.__file__, *sys.path, sep='\\n')")
        original = str(Path(__file__).parents[3])
        assert [line for line in done.stdout.splitlines() if line.startswith(original) and ".venv" not in line] == []
