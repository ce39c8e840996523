"""The archive of results is believed in nothing: what is cut off, too large or no plain file makes all of it unreadable."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Callable

import pytest

from common.failures import Failure, FailureClass
from vendors.mailchimp import archive

ROWS = [{"status_code": 200, "operation_id": f"a.{n}", "response": '{"id":"x"}'} for n in range(3)]


def tar(*files: bytes, change: Callable[[tarfile.TarInfo], None] = lambda _: None) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as packed:
        for number, content in enumerate(files):
            entry = tarfile.TarInfo(f"{number}.json")
            entry.size = len(content)
            change(entry)
            packed.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def refused(packed: bytes, **more: int) -> None:
    with pytest.raises(Failure) as caught:
        archive.results(packed, **more)
    assert (caught.value.kind, caught.value.complete) == (FailureClass.UNKNOWN, True)


class TestResults:
    def test_are_told_by_the_operations_id(self) -> None:
        packed = gzip.compress(tar(json.dumps(ROWS[:2]).encode(), json.dumps(ROWS[2:]).encode()))
        assert archive.results(packed) == {f"a.{n}": archive.Result(200, b'{"id":"x"}') for n in range(3)}

    def test_may_be_packed_in_parts_or_unpacked_on_the_way(self) -> None:
        whole = tar(json.dumps(ROWS).encode())
        parts = gzip.compress(whole[:700]) + gzip.compress(whole[700:])
        assert len(archive.results(parts)) == len(archive.results(whole)) == 3

    def test_folders_say_nothing(self) -> None:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as packed:
            folder = tarfile.TarInfo("results")
            folder.type = tarfile.DIRTYPE
            packed.addfile(folder)
        assert archive.results(made.getvalue()) == {}


class TestRefusals:
    @pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
    def test_cut_off(self, kept: float) -> None:
        packed = gzip.compress(tar(json.dumps(ROWS * 100).encode()))
        refused(packed[: int(len(packed) * kept)])

    def test_cut_off_inside_of_its_packing(self) -> None:
        refused(gzip.compress(tar(json.dumps(ROWS * 100).encode())[:1024]))

    @pytest.mark.parametrize(
        "content",
        [b"{", b"[1]", b'["x"]', b'[{"status_code":200}]', b'[{"status_code":"x","operation_id":"a","response":""}]'],
    )
    def test_no_results(self, content: bytes) -> None:
        refused(gzip.compress(tar(content)))

    def test_no_archive(self) -> None:
        for body in (b"", b"<html>", gzip.compress(b"<html>nothing</html>"), b"\x1f\x8b nothing"):
            refused(body)

    @pytest.mark.parametrize("type", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
    def test_no_plain_file(self, type: bytes) -> None:
        def change(entry: tarfile.TarInfo) -> None:
            entry.type, entry.linkname, entry.size = type, "/etc/passwd", 0

        refused(gzip.compress(tar(b"", change=change)))

    def test_a_file_with_holes(self) -> None:
        """Its header promises gigabytes, and its body is empty."""
        entry = tarfile.TarInfo("GNUSparseFile.0/1.json")
        entry.pax_headers = {
            "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "1.json", "GNU.sparse.size": str(1 << 40),
            "GNU.sparse.map": f"{(1 << 40) - 1},1", "GNU.sparse.numblocks": "1",
        }  # fmt: skip
        entry.size = 1
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as packed:
            packed.addfile(entry, io.BytesIO(b"x"))
        refused(gzip.compress(made.getvalue()))

    def test_more_files_than_results_can_be_in(self) -> None:
        refused(gzip.compress(tar(*[b"[]"] * (archive.MOST_FILES + 1))))

    def test_a_bomb_costs_no_more_than_the_largest_archive(self) -> None:
        bomb = gzip.compress(b"\0" * (64 << 20))
        assert len(bomb) < 100_000
        tracemalloc.start()
        refused(bomb, largest=1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
        tracemalloc.stop()

    def test_many_parts_are_bounded_together(self) -> None:
        refused(gzip.compress(b"\0" * (1 << 19)) * 4, largest=1 << 20)
