"""Members of a group whose process has died: the broker is told, so that nobody waits until their sessions have run out.

A member that was killed says nothing, and the broker keeps its partitions for it for a whole session (ten seconds) while its successor
stands at the door. So a client's name says which process it is, and whoever comes asks who is there: a process of this very machine that is
no more has left, and is said to have. Of other machines nobody here knows, and their sessions run out as ever.

A mistake would cost a rebalance and nothing else: a member that is thrown out joins again, and what it was doing is fenced (R27).
"""

from __future__ import annotations

import os
import re
import socket
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest

from common.bus.connection import KafkaAddress
from common.bus.topics_admin import administration

_NAME = re.compile(r"@(?P<host>[\w.-]+)!(?P<space>\d+)-(?P<pid>\d+)-(?P<began>\d+)$")
# What a container is called unless somebody calls it otherwise; started again it has the same name, and other processes.
_CONTAINER = re.compile(r"[0-9a-f]{12}")

_log = structlog.get_logger(__name__)


class ProcessName(NamedTuple):
    """A process, as no other one is called: its machine, whose numbers it goes by, its number, and since when it has that."""

    host: str
    space: int
    pid: int
    began: int

    def __str__(self) -> str:
        return f"@{self.host}!{self.space}-{self.pid}-{self.began}"


def client_name(service: str) -> str:
    """What the broker calls a consumer of this process."""
    me = _me()
    return f"millrace-{service}{me}" if me is not None else f"millrace-{service}"


def is_dead(client: str, me: ProcessName | None) -> bool:
    """Whether a client is of a process that is known here to be no more; False of whoever nobody can know."""
    found = _NAME.search(client)
    if found is None or me is None or found["host"] != me.host:
        return False
    if int(found["space"]) != me.space:
        return _CONTAINER.fullmatch(me.host) is not None
    return _began(int(found["pid"])) != int(found["began"])


async def leave_for_the_dead(address: KafkaAddress, group: str) -> None:
    """Says of each member of the group that is dead that it has left; who cannot be asked now is not waited for."""
    try:
        async with administration(address) as admin:
            (answer,) = await admin.describe_consumer_groups([group])
            # Of a group: error, name, state, protocol's type and name, members; of a member: its id, its client, ...
            dead = [one[0] for told in answer.groups for one in told[5] if is_dead(one[1], _me())]
            for member in dead:
                await _leave(admin, group, member)
    except (KafkaError, OSError, TimeoutError) as away:
        _log.info("consumer.nobody_asked", group=group, reason=type(away).__name__)


async def _leave(admin: Any, group: str, member: str) -> None:
    await admin._send_request(LeaveGroupRequest(group, member), await admin.find_coordinator(group))
    _log.info("consumer.left_for_the_dead", group=group, member=member)


@cache
def _me() -> ProcessName | None:
    """None where there is nothing to know a process by."""
    began = _began(os.getpid())
    if began is None:
        return None
    host = re.sub(r"[^\w.-]", "_", socket.gethostname())
    return ProcessName(host, Path("/proc/self/ns/pid").stat().st_ino, os.getpid(), began)


def _began(pid: int) -> int | None:
    """When a process began, by the machine's count; None of one that has ended, whether anybody took note of it or not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])
