"""Who counts as accepted when everything is killed."""

from __future__ import annotations

from bench.restart import accepted


def row(body: str, status: int | None = 200, vendor: str = "zoho-books") -> dict[str, object]:
    return {"vendor": vendor, "status": status, "body": body}


class TestAccepted:
    def test_are_those_whose_webhook_was_taken_each_once(self) -> None:
        taken = row('{"contact":{"contact_id":"46001","contact_name":"Acme"}}')
        refused = row('{"contact":{"contact_id":"46002"}}', status=503)
        unheard = row('{"contact": {"contact_id": "46003"}}', status=None)
        other = row('{"contact_id":"46004"}', vendor="mailchimp")
        assert accepted([taken, taken, refused, unheard, other]) == {"46001"}
