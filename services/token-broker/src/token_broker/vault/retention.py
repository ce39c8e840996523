"""Why the vault's tables are kept as they are; those that a keeper tidies stand in `common/state/retention.py`, with all the others."""

from __future__ import annotations

from collections.abc import Mapping

VAULT_FOR_EVER: Mapping[str, str] = {
    "vault.applied_migration": "one row for each migration",
    "vault.ring_key": "one row for each master key that ever was",
}

VAULT_WITH_ITS_SUBJECT: Mapping[str, str] = {
    "vault.credential": "until its connection is deleted",
    "vault.data_key": "until its credential is deleted",
    "vault.refresh_intent": "until the refresh is settled",
    "vault.consent": "a week after it ended",
    "vault.webhook_secret": "until it is valid no more",
}
