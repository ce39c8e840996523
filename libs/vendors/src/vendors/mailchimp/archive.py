"""The archive of results, unpacked: a gzipped tar of files, each a list of `{status_code, operation_id, response}` in JSON.

It comes from a store of files and is believed in nothing: no more is unpacked than results of one hand-in can be, no file is written
anywhere, only plain files are read, and one that is cut off or holds anything else makes all of it unreadable.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from vendors.mailchimp.errors import unreadable

# Five hundred members with all their fields are two megabytes.
LARGEST, MOST_FILES = 32 * 1024 * 1024, 1000
_MAGIC = b"\x1f\x8b"


class Result(NamedTuple):
    """What one operation was answered."""

    status: int
    body: bytes


def results(packed: bytes, *, largest: int = LARGEST) -> Mapping[str, Result]:
    """By the operation's id. Raises an `Unknown` where it is not readable as a whole: what is told by half tells nothing of the rest."""
    try:
        told = [row for file in _files(_unpacked(packed, largest), largest) for row in _rows(file)]
    except (tarfile.TarError, zlib.error, EOFError, LookupError, TypeError, ValueError, OverflowError) as odd:
        raise unreadable(b"") from odd
    return dict(told)


def _unpacked(packed: bytes, largest: int) -> bytes:
    """Several parts may follow each other; what the road has unpacked already is taken as it is."""
    if not packed.startswith(_MAGIC):
        return packed
    whole = bytearray()
    while packed:
        unpacker = zlib.decompressobj(wbits=31)
        whole += unpacker.decompress(packed, largest + 1 - len(whole))
        if len(whole) > largest or not unpacker.eof:
            raise ValueError("too large, or cut off")
        packed = unpacker.unused_data
    return bytes(whole)


def _files(content: bytes, largest: int) -> Iterator[bytes]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as packed:
        for number, entry in enumerate(packed):
            if number >= MOST_FILES or entry.size > largest:
                raise ValueError("more than results of one hand-in can be")
            if entry.isdir():
                continue
            if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.issparse():
                raise ValueError("no plain file")
            file = packed.extractfile(entry)
            read = file.read() if file else b""
            if len(read) != entry.size:
                raise ValueError("cut off")
            yield read


def _rows(file: bytes) -> Iterator[tuple[str, Result]]:
    rows: list[dict[str, Any]] = orjson.loads(file)
    for row in rows:
        yield str(row["operation_id"]), Result(int(row["status_code"]), str(row["response"]).encode())
