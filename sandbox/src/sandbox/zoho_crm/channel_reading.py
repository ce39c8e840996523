"""One channel as a caller describes it, read and checked (sheet, section 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from sandbox.zoho_crm.call import Call, in_edition
from sandbox.zoho_crm.channel import Channel, Watched, clamped
from sandbox.zoho_crm.refusals import Document, invalid_value, mandatory
from sandbox.zoho_crm.stamps import seconds_of

LONGEST_URL, LONGEST_TOKEN, MOST_FIELDS = 255, 50, 10
OPERATIONS = ("create", "edit", "delete", "all")
CHANNEL_KEYS = ("resource_uri", "resource_id", "channel_id")


class ChannelRow:
    """Reads one entry of `watch`."""

    def __init__(self, call: Call, given: Document, path: str) -> None:
        self._call, self._given, self._path = call, given, path

    def whole(self) -> Channel:
        """A channel of what is sent alone."""
        return Channel(
            self.id(), self._call.user.id, self.events(), self._url(), self._expires(), self._token(),
            self._given.get("return_affected_field_values") is True,
            self._given.get("notify_on_related_action") is not False, self._fields(),
        )  # fmt: skip

    def over(self, former: Channel) -> Channel:
        """A channel with what is sent instead of what it had."""
        given, found = self._given, former
        if "events" in given:
            found = replace(found, events=self.events())
        if "notify_url" in given:
            found = replace(found, notify_url=self._url())
        if "channel_expiry" in given:
            found = replace(found, expires=self._expires())
        if "token" in given:
            found = replace(found, token=self._token())
        if "notify_on_related_action" in given:
            found = replace(found, related=given["notify_on_related_action"] is not False)
        if "return_affected_field_values" in given:
            found = replace(found, affected_values=given["return_affected_field_values"] is True)
        return found

    def id(self) -> str:
        given, at = self._given.get("channel_id"), f"{self._path}.channel_id"
        if given in (None, ""):
            raise mandatory("channel_id", at)
        text = str(given)
        if isinstance(given, bool) or not (text.isascii() and text.isdigit()) or len(text) > 19:
            raise invalid_value("channel_id", at, expected_data_type="long")
        return text

    def events(self) -> tuple[Watched, ...]:
        given, at = self._given.get("events"), f"{self._path}.events"
        if not given:
            raise mandatory("events", at)
        if not isinstance(given, list):
            raise invalid_value("events", at, expected_data_type="jsonarray")
        return tuple(self._event(one, f"{at}[{place}]") for place, one in enumerate(given))

    def _event(self, given: Any, path: str) -> Watched:
        module, _, operation = str(given).rpartition(".")
        org, edition = self._call.org, self._call.switches.edition
        watchable = module in org.modules and module != "Notes" and in_edition(module, edition)
        if not watchable or operation not in OPERATIONS:
            raise invalid_value("events", path)
        return Watched(module, operation)

    def _url(self) -> str:
        """An https address; on this machine, where nobody has a certificate, also http."""
        given, at = self._given.get("notify_url"), f"{self._path}.notify_url"
        if given in (None, ""):
            raise mandatory("notify_url", at)
        if not isinstance(given, str):
            raise invalid_value("notify_url", at, expected_data_type="text")
        if len(given) > LONGEST_URL:
            raise invalid_value("notify_url", at, maximum_length=LONGEST_URL)
        try:
            parts = urlsplit(given)
            is_near = parts.hostname in ("127.0.0.1", "localhost", "::1")
        except ValueError:
            raise invalid_value("notify_url", at) from None
        if not parts.hostname or parts.scheme not in ("https", *(["http"] if is_near else [])) or not given.isascii():
            raise invalid_value("notify_url", at)
        return given

    def _expires(self) -> int:
        given = self._given.get("channel_expiry")
        if given is None:
            return clamped(None, self._call.now)
        found = seconds_of(given) if isinstance(given, str) else None
        if found is None or found <= self._call.now:
            raise invalid_value("channel_expiry", f"{self._path}.channel_expiry", expected_data_type="datetime")
        return clamped(found, self._call.now)

    def _token(self) -> str:
        given, at = self._given.get("token"), f"{self._path}.token"
        if given is None:
            return ""
        if not isinstance(given, str):
            raise invalid_value("token", at, expected_data_type="text")
        if len(given) > LONGEST_TOKEN:
            raise invalid_value("token", at, maximum_length=LONGEST_TOKEN)
        return given

    def _fields(self) -> tuple[str, ...]:
        """The fields of a condition, ten at most, however deep its groups lie."""
        found = list(named_fields(self._given.get("notification_condition"), 0))
        if len(found) > MOST_FIELDS:
            at = f"{self._path}.notification_condition"
            raise invalid_value("notification_condition", at, maximum_length=MOST_FIELDS)
        return tuple(found)


def named_fields(given: Any, depth: int) -> list[str]:
    if depth > MOST_FIELDS:
        return []
    if isinstance(given, list):
        return [name for one in given for name in named_fields(one, depth + 1)]
    if not isinstance(given, dict):
        return []
    field = given.get("field")
    own = [field["api_name"]] if isinstance(field, dict) and isinstance(field.get("api_name"), str) else []
    return own + named_fields(given.get("field_selection"), depth + 1) + named_fields(given.get("group"), depth + 1)
