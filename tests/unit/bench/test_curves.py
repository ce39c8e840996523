"""What several sizes come to beside each other, and how that is drawn."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench import replicas
from bench.curve import svg
from bench.machine import Glance, beside, busy_seconds
from bench.replay_figures import a_second_and_core, growth, net_ms


class TestReplicas:
    @pytest.mark.parametrize(
        ("paces", "bends"), [((100, 150, 200), 4), ((100, 150, 160), 2), ((100, 110, 200), 1), ((100, 90, 80), 1)]
    )
    def test_bend_after_the_last_doubling_that_was_worth_it(self, paces: tuple[float, ...], bends: int) -> None:
        found = {f"x{n}: records a second": pace for n, pace in zip((1, 2, 4), paces, strict=True)}
        found |= {f"x{n}: cpu ms: ours": cost for n, cost in zip((1, 2, 4), (2.0, 2.2, 3.0), strict=True)}
        told = replicas.curve((1, 2, 4), found)
        assert told["bends after, replicas"] == bends
        assert told["x4: cost over that of x1"] == 1.5
        assert told["x2: pace over that of x1"] == paces[1] / 100


class TestReplay:
    def test_costs_what_is_left_without_the_start(self) -> None:
        assert net_ms(1_700.0, 700.0, 10_000) == pytest.approx(0.1)
        assert net_ms(600.0, 700.0, 1_000) == 0.0

    def test_of_two_steps_does_what_both_together_allow(self) -> None:
        assert a_second_and_core([0.075, 0.05]) == pytest.approx(8_000)

    def test_grows_by_the_cost_of_a_record(self) -> None:
        found = {"1,000: changes: cpu ms a record": 0.2, "10,000: changes: cpu ms a record": 0.3}
        assert growth([1_000, 10_000], found) == {"changes: cost at 10,000 over 1,000": pytest.approx(1.5)}


class TestTheMachine:
    def test_is_told_by_what_others_had_of_it(self) -> None:
        first, last = Glance(0.0, 100.0, 10.0, 1.0), Glance(10.0, 118.0, 20.0, 4.0)
        told = beside(first, last)
        assert told["machine: cores kept busy by others"] == pytest.approx(0.8)
        assert (told["machine: load before"], told["machine: load after"]) == (1.0, 4.0)

    def test_is_not_busy_while_it_idles_or_waits_for_a_disk(self) -> None:
        ticks = busy_seconds("cpu  100 100 100 9999 9999 100 100 100 0 0\ncpu0 1 1 1 1")
        assert ticks == busy_seconds("cpu  200 200 200 0 0 0 0 0 0 0")


class TestTheDrawing:
    def test_is_xml_with_a_line_for_each_name(self) -> None:
        lines = {"a & b": [(1_000.0, 0.5), (10_000.0, 0.4), (100_000.0, 0.6)], "c": [(1_000.0, 0.1)]}
        root = ElementTree.fromstring(svg("Cost", "records", "ms", lines))
        names = [element.tag.rpartition("}")[2] for element in root.iter()]
        assert names.count("polyline") == 2 and names.count("circle") == 4
        first = next(element for element in root.iter() if element.tag.endswith("polyline"))
        points = [tuple(map(float, point.split(","))) for point in first.attrib["points"].split()]
        assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0]), "each factor is a step"

    def test_of_one_size_is_no_error(self) -> None:
        assert "circle" in svg("Cost", "records", "ms", {"a": [(1_000.0, 0.5)]})
