"""A vendor is told of in one place: what several use goes by the registry, and names nobody."""

import re

import pytest

from common.contracts.ids import VendorName
from tests.house.sources import ROOT
from vendors.registry import TOPICS, VENDORS


def spellings(vendor: VendorName) -> re.Pattern[str]:
    """The name as values, modules and people write it."""
    return re.compile("[-_ ]?".join(re.escape(part) for part in vendor.split("-")), re.IGNORECASE)


class TestTopics:
    # The accident: a vendor with a source in the registry and no topic to tell of it, because a second list was forgotten.
    @pytest.mark.parametrize("vendor", sorted(VENDORS))
    def test_the_contract_names_no_vendor(self, vendor: VendorName) -> None:
        text = (ROOT / "libs/common/src/common/contracts/topics.py").read_text(encoding="utf-8")
        assert spellings(vendor).findall(text) == []

    def test_each_vendor_has_the_topics_of_what_it_can(self) -> None:
        for name, vendor in VENDORS.items():
            stages = {topic.stage for topic in TOPICS if topic.vendor == name}
            wanted = {"receipts", "changes"} if vendor.source is not None else set()
            assert stages == wanted | ({"commands"} if vendor.targets else set()), name

    def test_none_is_listed_twice(self) -> None:
        assert len({topic.name for topic in TOPICS}) == len(TOPICS)
