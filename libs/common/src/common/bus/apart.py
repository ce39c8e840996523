"""Waiting for a message that is on its way, without holding it: whoever gives up takes nothing back."""

from __future__ import annotations

import asyncio
from typing import Any


def apart(acknowledged: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """A future of our own that tells the same: this one is the client's. Cheaper than a shield, and there is one for every message."""
    told = asyncio.get_running_loop().create_future()

    def tell(ended: asyncio.Future[Any]) -> None:
        error = None if ended.cancelled() else ended.exception()
        if told.done():
            return
        if error is not None:
            told.set_exception(error)
        elif ended.cancelled():
            told.cancel()
        else:
            told.set_result(ended.result())

    acknowledged.add_done_callback(tell)
    return told
