"""Rows that cannot work are refused before any record is read."""

from __future__ import annotations

from common.contracts.syncs import MappingDefinition, MappingRow
from console.use_cases.row_checks import check_paths, check_writable
from mapper.mapping.problems import Problem
from vendors.catalogue import CatalogueField, FieldCatalogue

TARGET = FieldCatalogue(
    (CatalogueField("name", "Name", "text"), CatalogueField("created", "Created At", "datetime", writable=False))
)


def found(*targets: str, catalogue: FieldCatalogue | None = TARGET) -> list[Problem]:
    problems: list[Problem] = []
    check_writable(
        MappingDefinition(1, tuple(MappingRow(one, "name") for one in targets), key="email"), catalogue, problems
    )
    return problems


class TestPaths:
    def test_several_that_stand_under_one_name_are_read_as_one(self) -> None:
        both = FieldCatalogue(tuple(CatalogueField(f"total.{side}", side, "money") for side in ("shop", "presentment")))
        for path, wrong in (("total", []), ("total.shop", []), ("tot", ["MAPPING_PATH_UNKNOWN"])):
            problems: list[Problem] = []
            rows = (MappingRow("total", path),)
            check_paths(MappingDefinition(1, rows, key="key"), "order", both, (), problems, [])
            assert [one.code for one in problems] == wrong


class TestWritable:
    def test_a_field_that_the_vendor_sets_is_refused_with_its_name_and_row(self) -> None:
        (problem,) = found("name", "created")
        assert (problem.code, problem.row, problem.field) == ("SYNC_FIELD_READ_ONLY", 2, "created")
        assert "Created At (created) is set by the vendor" in problem.words

    def test_others_are_no_problem(self) -> None:
        assert found("name", "made up") == []
        assert found("created", catalogue=None) == []
