"""How Mailchimp lets us in by an API key, whose end names the data centre (`...-us6`)."""

from __future__ import annotations

import base64

from common.secret import Secret
from vendors.grant import App, Discovery, GrantCall, GrantReply, NotGranted
from vendors.mailchimp import probe
from vendors.mailchimp.login import api, dc_of_key


class MailchimpKey:
    """`ApiKey` for Mailchimp: HTTP Basic, any user name."""

    def site(self, key: Secret) -> str | None:
        return dc_of_key(key.reveal())

    def origins(self, app: App, site: str = "") -> frozenset[str]:
        return probe.origins(app, site)

    def discover(self, app: App, site: str, credential: Secret) -> GrantCall:
        basic = base64.b64encode(f"millrace:{credential.reveal()}".encode()).decode()
        headers = {"authorization": f"Basic {basic}"}
        return GrantCall("GET", f"{api(site, app.base_url)}/", probe.ROOT, headers=headers)

    def discovered(self, app: App, site: str, reply: GrantReply) -> Discovery | NotGranted:
        return probe.read_root(site, reply)
