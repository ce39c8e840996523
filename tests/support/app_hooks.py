"""A vendor whose webhooks belong to the application, known to the tests alone: a body is a list of events of any companies.

What the product knows of it (`COMPANIES`) and what the vendor does (`signed`, `event`) share nothing but the name of a header.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from common.contracts.ids import Entity, RecordId, VendorName
from common.failures import Rejected
from vendors import mailchimp
from vendors.vendor import HookPart, HookRequest, Subject, Unverified, Verified

VERIFIER = "companies-verifier-7d40"
SIGNATURE = "companies-signature"


class CompaniesInbox:
    """`AppInbox` of the vendor."""

    keeps_headers: tuple[str, ...] = (SIGNATURE,)
    patience = timedelta(seconds=30)
    entered: Sequence[str] = ("Enter {address} and tick Customer.",)

    def greeting(self, request: HookRequest) -> bytes | None:
        return None

    def verify(self, request: HookRequest, secrets: Sequence[bytes], now: datetime) -> Verified | Unverified:
        given = request.headers.get(SIGNATURE, "").encode()
        expected = [base64.b64encode(hmac.digest(one, request.body, "sha256")) for one in secrets]
        fits = [hmac.compare_digest(one, given) for one in expected]
        return Verified("signature") if any(fits) else Unverified("the signature does not fit")

    def subject(self, request: HookRequest) -> Subject | None:
        return Subject(Entity("customer"), RecordId(json.loads(request.body)["record"]))

    def split(self, request: HookRequest) -> Sequence[HookPart]:
        try:
            events: list[dict[str, Any]] = json.loads(request.body)
        except ValueError as error:
            raise Rejected("BODY_UNREADABLE", "The body is no JSON.") from error
        return [HookPart(str(one.get("company", "")), json.dumps(one, sort_keys=True).encode()) for one in events]


COMPANIES = replace(
    mailchimp.VENDOR, name=VendorName("companies"), inbox=None, app_inbox=CompaniesInbox(), account_detail="realm"
)


def signed(body: bytes, verifier: str = VERIFIER) -> str:
    """As the vendor signs: over the bytes."""
    return base64.b64encode(hmac.new(verifier.encode(), body, hashlib.sha256).digest()).decode()


def event(company: str, number: int) -> dict[str, str]:
    """One event, as the vendor tells it."""
    return {"id": f"{company}-{number}", "company": company, "record": str(number % 7)}
