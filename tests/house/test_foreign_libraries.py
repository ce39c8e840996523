"""A library that decides much is imported in the few places that a decision record names."""

from fnmatch import fnmatchcase

import pytest

from tests.house.sources import ROOT, product
from tests.house.test_dependencies import imported

ROOMS = {
    "faststream": ("0020", {"libs/common/src/common/bus/subscription.py"}),
    "authlib": (
        "0021",
        {"libs/vendors/src/vendors/*/oauth.py", "services/token-broker/src/token_broker/consent/consents.py"},
    ),
}


class TestRooms:
    # The accident: a second place that acknowledges, or refreshes, by a library's own idea of when.
    @pytest.mark.parametrize("library", sorted(ROOMS))
    def test_it_is_imported_nowhere_else(self, library: str) -> None:
        found, rooms = {s.name for s in product() if library in imported(s)}, ROOMS[library][1]
        assert {room for name in found for room in rooms if fnmatchcase(name, room)} == rooms
        assert [name for name in found if not any(fnmatchcase(name, room) for room in rooms)] == []

    @pytest.mark.parametrize("library", sorted(ROOMS))
    def test_a_decision_says_why(self, library: str) -> None:
        (record,) = (ROOT / "docs" / "decisions").glob(f"{ROOMS[library][0]}-*.md")
        assert library in record.read_text(encoding="utf-8").lower()
