"""Records that are judged again although nobody tells anything of them: a new day has begun, or an audience has told of a member.

In: records that were ever seen. Out: wishes, raised as by any change (R9). Durable with the caller's commit.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.journal import write
from common.state.configuration import ConfigurationReader
from common.state.pool import DbConnection
from mapper import state_rows
from mapper.entering import enter_changes
from mapper.judging import judge
from mapper.mappings import Mappings
from mapper.pairing import Pairing
from mapper.state_rows import Key
from mapper.wanted_rows import Cause


async def judged_again(
    tx: DbConnection, configuration: ConfigurationReader, mappings: Mappings, keys: Sequence[Key], cause: Cause
) -> list[Key]:
    """Those of whom something else is wanted than before."""
    now = cause.happened_at
    await state_rows.judging(tx, keys)
    states = await state_rows.lock_known(tx, keys)
    known = await configuration.read(tx)  # R9: after the locks
    pairing = await Pairing.of(tx, known, mappings, states, now)
    pairing.recall(states)
    judged = await judge(
        tx, known, mappings, states, dict.fromkeys(states, cause), now, pairing=pairing, unchanged=states.keys()
    )
    raised = [one for one in judged.all if one.revision]
    await enter_changes(tx, raised, {one.key: [None] for one in raised}, now)
    await write(tx, judged.entries)
    return [one.key for one in raised]
