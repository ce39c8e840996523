"""Bodies of answers that no vendor should give: cut off, without sense, or with one thing in them another than it should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def torn(body: bytes) -> Iterator[bytes]:
    """The body, cut off or without sense."""
    yield from (body[: len(body) // 2], body[:-1], body + b"}", b"", b"null", b"[]", b"7", b"\xff\xfe", b"[" * 50_000)


_ODD: tuple[Any, ...] = (None, 7, 1.5, True, "x", "", [], {}, [None], {"x": None})


def broken(body: bytes, depth: int = 3) -> Iterator[bytes]:
    """A JSON body with one thing in it another than it should be: each place of it down to a depth, each kind of value."""
    try:
        document = json.loads(body)
    except ValueError:
        return
    for path in _paths(document, depth):
        for odd in _ODD:
            yield json.dumps(_with(document, path, odd)).encode()
        yield json.dumps(_without(document, path)).encode()


def _paths(value: Any, depth: int, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*before, key)
        if len(before) < depth:
            yield from _paths(one, depth, (*before, key))


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = _with(value[path[0]], path[1:], new)
    return changed


def _without(value: Any, path: tuple[Any, ...]) -> Any:
    changed = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1:
        del changed[path[0]]
    else:
        changed[path[0]] = _without(value[path[0]], path[1:])
    return changed
