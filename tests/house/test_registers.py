"""Each register is complete: what the code names is declared once, explained, and nothing is declared for nothing."""

import ast
import importlib
import pkgutil
import re

import pytest

import common
from common import failpoints, failures
from common.codes import CODES
from common.metric_register import (
    LABELS,
    METRICS,
    CounterMetric,
    GaugeMetric,
    HistogramMetric,
    Metric,
)
from millrace.reference import import_registers
from tests.house.sources import ROOT, first_text, product


def named_failpoints() -> dict[str, str]:
    calls = {"failpoints.hit", "failpoints.pass_", "failpoints.around", "hit", "pass_", "around"}
    return {
        name: f"{s.name}:{node.lineno}"
        for s in product()
        if "failpoints" in s.text and s.name != "libs/common/src/common/failpoints.py"
        for node in s.nodes(ast.Call)
        if ast.unparse(node.func) in calls and (name := first_text(node)) is not None
    }


class TestFailpoints:
    def test_every_point_in_the_code_is_declared(self) -> None:
        found = named_failpoints()
        assert {name: where for name, where in found.items() if name not in failpoints.POINTS} == {}

    def test_every_declared_point_is_in_the_code(self) -> None:
        assert sorted(set(failpoints.POINTS) - set(named_failpoints())) == []

    def test_every_point_is_named_by_stage_and_moment_with_a_meaning(self) -> None:
        assert [n for n in failpoints.POINTS if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", n)] == []
        assert [n for n, meaning in failpoints.POINTS.items() if not meaning.endswith(".")] == []

    def test_a_point_is_never_named_by_a_variable(self) -> None:
        calls = ("failpoints.hit", "failpoints.pass_", "failpoints.around")
        found = [
            f"{s.name}:{node.lineno}"
            for s in product()
            for node in s.nodes(ast.Call)
            if ast.unparse(node.func) in calls and first_text(node) is None
        ]
        assert found == []


class TestMetrics:
    @pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
    def test_is_named_and_explained(self, metric: Metric) -> None:
        assert re.fullmatch(r"millrace_[a-z_]+", metric.name)
        assert re.fullmatch(r"\S.*\.", metric.meaning), "a meaning is one sentence on one line"
        assert set(metric.labels) <= LABELS
        assert len(set(metric.labels)) == len(metric.labels)

    @pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
    def test_carries_its_unit_in_its_name(self, metric: Metric) -> None:
        match metric:
            case CounterMetric():
                assert metric.name.endswith("_total")
            case HistogramMetric():
                assert metric.name.endswith(f"_{metric.unit}")
                assert list(metric.buckets) == sorted(set(metric.buckets))
            case GaugeMetric():
                assert not metric.name.endswith("_total")
                assert metric.unit == "items" or metric.name.endswith(f"_{metric.unit}")

    def test_no_name_is_declared_twice(self) -> None:
        assert len({metric.name for metric in METRICS}) == len(METRICS)


def raised_codes() -> dict[str, str]:
    """The codes of failures raised in the product, with the place."""
    classes = {cls.__name__ for cls in failures.FAILURES.values()} | {"Failure"}
    return {
        code: f"{s.name}:{node.lineno}"
        for s in product()
        if "failures" in s.text
        for node in s.nodes(ast.Call)
        if ast.unparse(node.func).rpartition(".")[2] in classes and (code := first_text(node)) is not None
    }


class TestErrorCodes:
    def test_every_code_that_is_raised_is_in_the_registry(self) -> None:
        import_registers()
        assert {code: where for code, where in raised_codes().items() if code not in CODES} == {}

    def test_every_code_says_what_it_means_and_what_to_do(self) -> None:
        import_registers()
        assert [
            code.name for code in CODES.values() if not (code.meaning.endswith(".") and code.action.endswith("."))
        ] == []
        assert [name for name in CODES if not re.fullmatch(r"[A-Z][A-Z0-9_]+", name)] == []

    def test_every_code_is_documented(self) -> None:
        page = (ROOT / "docs" / "error-codes.md").read_text(encoding="utf-8")
        assert [name for name in CODES if f"`{name}`" not in page] == []


class TestCommon:
    def test_every_module_can_be_imported(self) -> None:
        # A module that only its own tests import may break without anybody noticing.
        for module in pkgutil.walk_packages(common.__path__, "common."):
            importlib.import_module(module.name)
