"""Files of lines, as the door reads them: in pieces that end anywhere, and from a server that may break off."""

from __future__ import annotations

from dataclasses import replace
from traceback import format_exception

import pytest

from common.failures import Bug, Transient
from common.http.at_priority import AtPriority
from common.http.call import Call
from tests.support.odd_vendor import answer, raw, silence
from tests.unit.http.fakes import CANARY
from tests.unit.http.test_door import BOOKS, FilesProfile, QuickFilesProfile, Scene, scene

__all__ = ["scene"]
LINES = [b'{"id":1}', b'{"id":22}', b'{"id":333}']


def file(scene: Scene) -> Call:
    return Call(
        "GET", "/results/{file}", "results.read", file=f"{scene.vendor.url}/zoho/store/7.jsonl?Signature=s3cret"
    )


async def read(scene: Scene, call: Call, profile: FilesProfile | QuickFilesProfile | None = None) -> list[bytes]:
    api = AtPriority(scene.door.open(profile or FilesProfile(), BOOKS), "backfill")
    return [line async for line in api.lines(call)]


class TestLines:
    @pytest.mark.parametrize("end", [b"\n", b"", b"\n\n"])
    async def test_come_one_by_one_without_credential_and_quota(self, scene: Scene, end: bytes) -> None:
        scene.vendor.then(answer(body=b"\n".join(LINES) + end))
        assert await read(scene, file(scene)) == LINES
        (seen,) = scene.vendor.seen
        assert not any(CANARY in value for value in seen.headers.values())
        assert (scene.budget.endings, seen.headers["accept-encoding"]) == ([], "identity")
        (attempt,) = scene.sink.attempts
        assert (attempt.template, attempt.outcome, attempt.status) == ("/results/{file}", None, 200)

    async def test_may_be_more_than_any_answer_but_none_is(self, scene: Scene) -> None:
        line = b"x" * (FilesProfile.max_body // 2)
        scene.vendor.then(answer(body=b"\n".join([line] * 40)))
        assert await read(scene, file(scene)) == [line] * 40
        scene.vendor.then(answer(body=b"x" * 200_000))
        with pytest.raises(Bug):
            await read(scene, file(scene))

    async def test_that_break_off_are_a_failure_after_those_that_came(self, scene: Scene) -> None:
        scene.vendor.then(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + b"\n".join(LINES)))
        found, api = list[bytes](), scene.door.open(FilesProfile(), BOOKS)
        with pytest.raises(Transient) as caught:
            async for line in api.lines(file(scene)):
                found.append(line)
        assert found == LINES[:2]
        assert caught.value.code == "VENDOR_CONNECTION_LOST" and "s3cret" not in "".join(format_exception(caught.value))

    async def test_that_do_not_come_are_not_waited_for_without_end(self, scene: Scene) -> None:
        scene.vendor.then(silence(2))
        with pytest.raises(Transient) as caught:
            await read(scene, file(scene), QuickFilesProfile())
        assert caught.value.code == "VENDOR_TIMEOUT"

    @pytest.mark.parametrize("status", [302, 403, 404, 503])
    async def test_that_are_not_there_are_asked_for_again(self, scene: Scene, status: int) -> None:
        scene.vendor.then(answer(status, location="http://127.0.0.1:1/elsewhere"))
        with pytest.raises(Transient) as caught:
            await read(scene, file(scene))
        assert (caught.value.code, len(scene.vendor.seen)) == ("VENDOR_FILE_UNAVAILABLE", 1)

    async def test_of_another_host_are_not_asked_for(self, scene: Scene) -> None:
        with pytest.raises(Bug):
            await read(scene, replace(file(scene), file="https://files.books.example/7"))
        assert scene.vendor.seen == []
