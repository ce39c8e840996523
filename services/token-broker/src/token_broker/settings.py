"""What the token-broker is told: our registrations at the vendors, the key ring, who may call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from common.environment import ConfigurationError
from common.secret import Secret
from common.settings import Address, ServiceSettings
from vendors.grant import App

_CLIENT_ID = "_client_id"


class BrokerSettings(ServiceSettings):
    """The settings of the token-broker."""

    consent_url: Address | None = Field(
        None,
        description="The address under which browsers reach the token-broker, when it is not MILLRACE_PUBLIC_URL.",
        examples=["https://millrace.example.org"],
    )
    key_provider: Literal["file"] = Field(
        "file", description="Where the master keys are: in a file that only the broker reads.", examples=["file"]
    )
    master_key: Secret = Field(
        Secret(""),
        description="The master keys, an id and 32 bytes in base64 a line, newest last; without it secrets/master.keys in the home.",
    )
    master_key_path: Path | None = Field(
        None,
        validation_alias="MILLRACE_MASTER_KEY_FILE",
        description="The file of the master keys; the broker adds to it when keys are rotated, if it may write there.",
        examples=["/run/secrets/master.keys"],
    )
    callers_file: Path | None = Field(
        None,
        description="Who may call the broker: services, hashes of their keys, rights; without it the key files in the home.",
        examples=["/run/secrets/callers.json"],
    )
    zoho_client_id: str = Field("", description="The client id of our application at Zoho.", examples=["1000.ABC"])
    zoho_client_secret: Secret = Field(
        Secret(""), description="The client secret at Zoho, where it is the same in all data centres."
    )
    zoho_client_secrets: Secret = Field(
        Secret(""),
        description="The client secrets at Zoho by data centre, `eu=...` with commas, where each has its own.",
    )
    mailchimp_client_id: str = Field(
        "", description="The client id of our application at Mailchimp.", examples=["51741"]
    )
    mailchimp_client_secret: Secret = Field(
        Secret(""), description="The client secret of our application at Mailchimp."
    )

    shopify_client_id: str = Field("", description="The client id of our application at Shopify.", examples=["3f1c"])
    shopify_client_secret: Secret = Field(
        Secret(""), description="The client secret of our application at Shopify; it also signs its webhooks."
    )
    shopify_former_client_secret: Secret = Field(
        Secret(""), description="The client secret at Shopify that is being replaced, until it is revoked there."
    )

    quickbooks_client_id: str = Field("", description="The client id of our application at Intuit.", examples=["ABq7"])
    quickbooks_client_secret: Secret = Field(Secret(""), description="The client secret of our application at Intuit.")

    @property
    def browser_url(self) -> str:
        """What redirect addresses begin with; empty when nobody said it and the port is not known beforehand."""
        own = f"http://{self.host}:{self.port}" if self.port else ""
        return self.consent_url or self.public_url or own

    @property
    def apps(self) -> Mapping[str, App]:
        """Our registrations by the family of vendors."""
        names = [name for name in type(self).model_fields if name.endswith(_CLIENT_ID)]
        return {family: self._app(family) for family in (name.removesuffix(_CLIENT_ID) for name in names)}

    def _app(self, family: str) -> App:
        secrets = dict(_by_site(family, getattr(self, f"{family}_client_secrets", Secret(""))))
        shared: Secret = getattr(self, f"{family}_client_secret")
        return App(
            family=family,
            client_id=getattr(self, f"{family}{_CLIENT_ID}"),
            secrets=secrets | ({"": shared} if shared else {}),
            redirect_uri=f"{self.browser_url}/oauth/{family}/callback" if self.browser_url else "",
            base_url=self.base_urls.get(family, ""),
            former=getattr(self, f"{family}_former_client_secret", None),
        )


def _by_site(family: str, stated: Secret) -> Mapping[str, Secret]:
    found: dict[str, Secret] = {}
    for entry in filter(None, (part.strip() for part in stated.reveal().replace("\n", ",").split(","))):
        site, sign, secret = entry.partition("=")
        if not sign or not secret:
            raise ConfigurationError(
                [f"MILLRACE_{family.upper()}_CLIENT_SECRETS: an entry is not `site=secret`: correct it."]
            )
        found[site.strip().lower()] = Secret(secret.strip())
    return found
