"""Which notification channels an account shall have, and what each of them lacks: pure (sheet, section 4).

One for each kind of records. Its number is made from the address of the connection and the kind, so the vendor has one channel where we ask
twice: asking again is how it is renewed. A channel lives for a week at the most; whoever asks for more, or for nothing, silently gets an hour.
So six days are asked for, what the vendor says of the end is read back, and a day later it is asked for anew: an hour that nobody wanted is
renewed by every audit, and does not lapse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from common.secret import Secret
from vendors.channel import HookSubscription
from vendors.zoho_crm import wire
from vendors.zoho_crm.inbox import PATH_SECRET, token_of
from vendors.zoho_crm.readers import READERS

ASKED_FOR = timedelta(days=6)
RENEWED_EVERY = timedelta(hours=24)
# Less than a day and an hour: the next renewal may come too late.
ALARM_UNDER = timedelta(hours=25)

Row = Mapping[str, Any]
"""One row of the vendor's list: a channel, of one module."""


@dataclass(frozen=True, slots=True)
class WantedChannel:
    """The channel of one kind of records, and what the vendor has of it."""

    subject: str
    id: str
    base: str
    secret: Secret | None
    row: Row | None = field(repr=False)
    """With the secret of its address in it."""

    @property
    def module(self) -> str:
        return READERS[self.subject].module

    @property
    def url(self) -> str:
        """Empty until it has a secret."""
        return "" if self.secret is None else f"{self.base}/{_text(self.secret)}"

    @property
    def ends(self) -> datetime | None:
        return wire.stamp(self.row.get("channel_expiry")) if self.row is not None else None

    @property
    def lack(self) -> str:
        """What is missing, in words; empty where it tells what it shall tell."""
        if self.row is None:
            return f"notification channel of {self.module}"
        if self.secret is None:
            return f"secret of the notification channel of {self.module}"
        if self.row.get("notify_url") != self.url:
            return f"address of the notification channel of {self.module}"
        # A token that the list does not show cannot be judged.
        token = self.row.get("token")
        if token is not None and token != token_of(self.secret.reveal().encode()).decode():
            return f"token of the notification channel of {self.module}"
        if self.row.get("events") not in (None, [self.event]):
            return f"events of the notification channel of {self.module}"
        return ""

    @property
    def event(self) -> str:
        return f"{self.module}.all"

    def is_due(self, now: datetime, early: float) -> bool:
        """Whether it has to be asked for anew; `early` is the share of the day after which it is."""
        return self.ends is None or self.ends - now < ASKED_FOR - RENEWED_EVERY * early

    def asked(self, now: datetime, secret: Secret) -> dict[str, Any]:
        """The channel as it is asked for."""
        return {
            "channel_id": self.id,
            "events": [self.event],
            "channel_expiry": (now + ASKED_FOR).isoformat(timespec="seconds"),
            "token": token_of(secret.reveal().encode()).decode(),
            "notify_url": f"{self.base}/{_text(secret)}",
            "return_affected_field_values": False,
            # Else an edit of a contact is told of its account, too.
            "notify_on_related_action": False,
        }


def wanted_channel(subject: str, wanted: HookSubscription, secret: Secret | None, rows: Sequence[Row]) -> WantedChannel:
    """What is wanted of one kind, beside the vendor's row of it."""
    id = channel_id(wanted.base, subject)
    row = next((one for one in rows if str(one.get("channel_id")) == id), None)
    return WantedChannel(subject, id, wanted.base, secret, row)


def channel_id(base: str, subject: str) -> str:
    """Eighteen digits, the same for this connection under any public address."""
    told = f"{urlsplit(base).path} {subject}".encode()
    number = int.from_bytes(hashlib.blake2b(told, digest_size=8).digest())
    return str(10**17 + number % (9 * 10**17))


def _text(secret: Secret) -> str:
    return secret.reveal().removeprefix(PATH_SECRET.decode())
