"""The first page of an account that nobody has read yet, for a preview: one list call, and nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass

from common.contracts.ids import EventId
from common.contracts.messages import ChangeEvent
from common.contracts.syncs import Leg
from common.failures import Failure
from console.use_cases.drafting import Drafting
from console.use_cases.leg_drafting import End
from mapper.preview import Preview, preview_of
from vendors.vendor import Page, State


@dataclass(frozen=True, slots=True)
class FirstPage:
    """What the page comes to, and what a person has to know of it."""

    preview: Preview
    listed: int = 0
    notes: tuple[str, ...] = ()


async def first_page(drafting: Drafting, leg: Leg, limit: int) -> FirstPage:
    """A vendor that does not answer costs the preview its numbers, and it is said why."""
    try:
        end, writes = await drafting.open(leg.source), await drafting.open(leg.target)
        page = await _page(end, leg)
    except Failure as failure:
        return FirstPage(Preview(), notes=(f"The source could not be listed: {failure.message} [{failure.code}]",))
    target = writes.vendor.targets[leg.target_entity]
    found = preview_of([_change(leg, end, state) for state in page.states], leg, target, limit)
    found.complete = page.complete
    return FirstPage(found, len(page.states))


async def _page(end: End, leg: Leg) -> Page:
    source = end.vendor.source
    assert source is not None
    pages = source.pages(end.connection, leg.source_entity, None, end.api, leg.source_place)
    return await anext(aiter(pages))


def _change(leg: Leg, end: End, state: State) -> ChangeEvent:
    return ChangeEvent(
        id=EventId("preview"), connection=leg.source, vendor=end.vendor.name, entity=state.entity, record=state.record,
        kind=state.kind, version=state.version, coverage=state.coverage, fields=dict(state.fields),
        observed_at=state.observed_at, via="poll", place=state.place,
    )  # fmt: skip
