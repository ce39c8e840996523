"""The token-broker as the console uses it: consents, keys, the standing of grants. No credential ever comes back this way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.api.refusal import Refusal
from common.codes import CODES, Code
from common.http.broker import BrokerAnswer, BrokerClient, BrokerSilent
from common.secret import Secret
from console.refusals import BrokerAway

_UNKNOWN_TO_BROKER = 404
_BROKER_FAULT = 500


class _Told(BaseModel):
    """What the broker answers; what a newer broker says more is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class BrokerPlace(_Told):
    """One organisation, company or account behind a grant."""

    id: str
    title: str
    details: dict[str, str] = {}


class BrokerConsent(_Told):
    """How far a person has come on the vendor's pages."""

    id: str
    state: str
    code: str = ""
    message: str = ""
    next: str = ""
    expires_at: datetime | None = None
    places: tuple[BrokerPlace, ...] = ()
    place: str = ""

    @property
    def is_over(self) -> bool:
        return self.state in ("complete", "denied", "expired", "cancelled", "failed")


class BrokerGrant(_Told):
    """The standing of a credential."""

    connection: str
    vendor: str
    kind: str
    state: str
    reason_code: str = ""
    reason: str = ""
    site: str = ""
    place: str = ""
    details: dict[str, str] = {}
    scopes: tuple[str, ...] = ()
    granted_at: datetime | None = None
    granted_by: str = ""
    expires_at: datetime | None = None
    refresh_at: datetime | None = None
    refreshed_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    grant_ends_at: datetime | None = None
    retry_at: datetime | None = None
    failures: int = 0
    budget: dict[str, float] | None = None
    siblings: dict[str, int] | None = None
    warnings: tuple[str, ...] = ()


class Ways(_Told):
    """How a vendor can be connected here."""

    vendor: str
    title: str
    ways: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    own_site: dict[str, str] | None = None
    ready: bool = False


class Broker:
    """What the console asks it; one for the process."""

    def __init__(self, base_url: str, key: Callable[[], Secret]) -> None:
        self._client = BrokerClient(base_url, key)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def start_consent(
        self, connection: str, vendor: str, name: str, *, site: str, place: str, by: str
    ) -> tuple[BrokerConsent, Secret]:
        """A new consent, and the address by which a person starts it."""
        body = {"connection": connection, "vendor": vendor, "name": name, "site": site, "place": place, "by": by}
        answered = await self._ask("POST", "/v1/consents", body)
        return BrokerConsent.model_validate(answered), Secret(str(answered["start_url"]))

    async def consent(self, consent: str, wait_s: float = 0.0) -> BrokerConsent | None:
        """The consent, as soon as its state changes or the wait is over; None when the broker knows it no more."""
        try:
            return BrokerConsent.model_validate(await self._ask("GET", f"/v1/consents/{consent}?wait_s={wait_s}"))
        except Refusal as refused:
            _pass_on_unless_unknown(refused)
            return None

    async def discover(self, consent: str) -> BrokerConsent:
        """Asks the vendor again what the grant opens."""
        return BrokerConsent.model_validate(await self._ask("POST", f"/v1/consents/{consent}/places"))

    async def choose(self, consent: str, place: str) -> BrokerConsent:
        """The person chose one of the places."""
        return BrokerConsent.model_validate(await self._ask("POST", f"/v1/consents/{consent}/place", {"place": place}))

    async def cancel(self, consent: str) -> BrokerConsent | None:
        """Ends a consent that is not over."""
        try:
            return BrokerConsent.model_validate(await self._ask("DELETE", f"/v1/consents/{consent}"))
        except Refusal as refused:
            _pass_on_unless_unknown(refused)
            return None

    async def put_api_key(self, connection: str, vendor: str, key: Secret, *, place: str, by: str) -> BrokerGrant:
        """Tries the key at the vendor and stores it; a place that is named is the only one it may open."""
        body = {"vendor": vendor, "api_key": key.reveal(), "place": place, "by": by}
        return BrokerGrant.model_validate(await self._ask("PUT", f"/v1/grants/{connection}/api-key", body))

    async def put_client(
        self, connection: str, vendor: str, *, site: str, place: str, client_id: str, client_secret: Secret, by: str
    ) -> BrokerGrant:
        """Stores client credentials once they have made a token."""
        body = {
            "vendor": vendor,
            "site": site,
            "place": place,
            "client_id": client_id,
            "client_secret": client_secret.reveal(),
            "by": by,
        }
        return BrokerGrant.model_validate(await self._ask("PUT", f"/v1/grants/{connection}/client-credentials", body))

    async def grants(self) -> Mapping[str, BrokerGrant]:
        """Every grant, by its connection."""
        answered = await self._ask("GET", "/v1/grants")
        return {grant.connection: grant for grant in map(BrokerGrant.model_validate, answered["grants"])}

    async def grant(self, connection: str) -> BrokerGrant | None:
        """The grant of a connection, None when the vault holds none."""
        try:
            return BrokerGrant.model_validate(await self._ask("GET", f"/v1/grants/{connection}"))
        except Refusal as refused:
            _pass_on_unless_unknown(refused)
            return None

    async def delete_grant(self, connection: str) -> str:
        """Revokes at the vendor and erases: `yes`, `later`, `not offered` or `nothing`."""
        return str((await self._ask("DELETE", f"/v1/grants/{connection}"))["revoked"])

    async def webhook_secrets(self, connection: str) -> Mapping[str, Secret]:
        """The newest secret of each slot."""
        try:
            answered = await self._ask("GET", f"/v1/webhook-secrets/{connection}")
        except Refusal as refused:
            _pass_on_unless_unknown(refused)
            return {}
        # Newest first, so the newest is put last.
        return {str(one["slot"]): Secret(str(one["secret"])) for one in reversed(answered["secrets"])}

    async def rotate_webhook_secret(self, connection: str, vendor: str, slot: str) -> Secret:
        """A fresh secret; the former one stays valid for a day."""
        answered = await self._ask("POST", f"/v1/webhook-secrets/{connection}/rotate", {"vendor": vendor, "slot": slot})
        return Secret(str(answered["secret"]))

    async def put_webhook_secret(
        self, connection: str, vendor: str, slot: str, secret: Secret, overlap: timedelta = timedelta(0)
    ) -> None:
        """Stores a secret that the vendor made. As a rule the webhook that had the former one is gone, so it ends at once."""
        body = {"vendor": vendor, "slot": slot, "secret": secret.reveal(), "overlap_s": overlap.total_seconds()}
        await self._ask("PUT", f"/v1/webhook-secrets/{connection}", body)

    async def delete_webhook_secret(self, connection: str, slot: str) -> None:
        """Ends every secret of a slot; one that is not there is ended already."""
        await self._ask("DELETE", f"/v1/webhook-secrets/{connection}?slot={slot}")

    async def vendors(self) -> Sequence[Ways]:
        """The vendors and the ways to connect them."""
        answered = await self._ask("GET", "/v1/vendors")
        return [Ways.model_validate(one) for one in answered["vendors"]]

    async def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        try:
            return _granted(await self._client.ask(method, path, body))
        except BrokerSilent as lost:
            raise BrokerAway(sent=lost.sent) from lost


def _granted(answer: BrokerAnswer) -> Mapping[str, Any]:
    said = answer.document
    if answer.granted and said is not None:
        return said
    if said is None or "code" not in said or answer.status == _BROKER_FAULT:
        raise BrokerAway(sent=True)
    raise Refusal(
        # A key of ours that the broker does not know is no fault of whoever asked us.
        503 if answer.status in (401, 403) else answer.status,
        _code(answer.code, said),
        str(said.get("detail", "")),
        retry_after_s=answer.retry_after_s,
    )


def _code(name: str, said: Mapping[str, Any]) -> Code:
    """The broker's own codes are not registered here; its answer says all there is to say of them."""
    known = CODES.get(name)
    return known or Code(name, str(said.get("title", "")), str(said.get("action", "")), "owner", False)


def _pass_on_unless_unknown(refused: Refusal) -> None:
    if refused.status != _UNKNOWN_TO_BROKER:
        raise refused
