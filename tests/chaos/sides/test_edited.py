"""Customers of Zoho Books and accounts and contacts of Zoho CRM, edited by people on both sides while answers and webhooks are lost, rows are
locked and every service is killed with -9: alike in the end, nobody there twice, no edit lost but to one that had not seen it, none invented.

CRM_EDITS says how many edits, SIDES_SEEDS by which chances. From a few hundred on each service dies at each of its failpoints.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.chaos.sides.records import CRM
from tests.chaos.sides.storm import Storm, looked_at, writes_since
from tests.e2e.road import Road

EDITS = int(os.environ.get("CRM_EDITS", "48"))
SEEDS = [int(seed) for seed in os.environ.get("SIDES_SEEDS", "1").split(",")]


@pytest.mark.timeout(1500 + 2 * EDITS)
@pytest.mark.parametrize("seed", SEEDS)
class TestEdited:
    def test_both_sides_are_alike_and_no_edit_is_lost_but_to_one_that_had_not_seen_it(
        self, road: Road, seed: int, tmp_path: Path
    ) -> None:
        storm, began = Storm(road, EDITS, seed, tmp_path), time.monotonic()
        storm.first()
        storm.weather.begins()
        storm.deaths.begin()
        storm.rage()
        raged = time.monotonic()
        storm.settle()
        found = storm.verdict()
        assert not found, "\n".join([f"seed {seed}, {len(found)}:", *found[:40]])
        mark = road.mark()
        looked_at(road)
        assert writes_since(road, mark) == [], "a look at what is in step writes nothing"
        print(
            f"\nseed {seed}: {len(storm.people.edits)} edits of {len(storm.people.there[CRM].found)} records, {storm.weather.met} faults met, "
            f"{storm.deaths.count}: raged {raged - began:.0f} s, settled {time.monotonic() - raged:.0f} s"
        )
