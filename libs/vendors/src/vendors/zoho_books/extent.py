"""How long a listing of Zoho Books is, which its pages do not tell: a few of them further on are asked for.

Only a listing that the vendor's limit holds up is measured, because the time that it takes is a question then; of a shorter one the
answer would come with its end. Pages twice as far on are asked for until one is empty, then those between, until the rest is known within
a tenth: six calls for 250 pages. What they hold is not used: between now and then it may move, and each page is read in its turn (R11).
"""

from __future__ import annotations

from dataclasses import dataclass

from common.failures import Failure
from common.http.call import Api
from vendors.answers import reading
from vendors.zoho_books.listing import PER_PAGE, ListReading, rows_of

# So many pages are read before anybody asks: about a minute's calls.
MEASURED_AT = 60
# Two hundred million records: the vendor does not take the page's number for one.
FURTHEST = 1_000_000
CLOSE_ENOUGH = 8


@dataclass(slots=True)
class Extent:
    """What is known of a listing's length: it goes on after the page `within`, and has nothing on the page `beyond`."""

    within: int
    beyond: int | None = None
    records: int | None = None

    def next(self) -> int | None:
        """The page to ask for; None when enough is known."""
        if self.records is not None or self.within > FURTHEST:
            return None
        if self.beyond is None:
            return 2 * self.within
        close = self.beyond - self.within <= max(1, self.within // CLOSE_ENOUGH)
        return None if close else (self.within + self.beyond) // 2

    def sees(self, page: int, rows: int, *, more: bool) -> None:
        """What that page has."""
        if more:
            self.within = page
        elif rows:
            self.records = (page - 1) * PER_PAGE + rows
        else:
            self.beyond = page

    @property
    def about(self) -> int | None:
        """So many records, or the middle of what they may be."""
        if self.records is not None or self.beyond is None:
            return self.records
        return (self.within + self.beyond - 1) * PER_PAGE // 2


def is_long(listing: ListReading) -> bool:
    """Whether this is the moment at which it is measured."""
    return listing.lists_everything and listing.page_number == MEASURED_AT + 1 and not listing.over


async def about(listing: ListReading, api: Api) -> int | None:
    """About how many records it has; None when that cannot be found out, which is no reason to stop."""
    found = Extent(listing.page_number - 1)
    try:
        while (number := found.next()) is not None:
            answer = await api.call(listing.call(number))
            with reading(answer):
                rows, more = rows_of(answer, listing.reader)
            found.sees(number, len(rows), more=more)
    except Failure:
        return None
    return found.about
