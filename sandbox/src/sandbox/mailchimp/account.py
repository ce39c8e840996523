"""A Mailchimp account: the login behind it, its credentials, its audiences and everything beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.batch import Batch, BatchHook
from sandbox.mailchimp.mandrill import MandrillHook
from sandbox.mailchimp.problems import not_found
from sandbox.mailchimp.store import Store


@dataclass(slots=True)
class Account:
    """One account in one data centre; `user` is who logs in, and whose connections are counted."""

    name: str
    dc: str
    user: str
    api_key: str = field(repr=False)
    operator_token: str = field(repr=False)
    created_at: int = 0
    tokens: set[str] = field(default_factory=set, repr=False)
    revoked: set[str] = field(default_factory=set, repr=False)
    audiences: dict[str, Audience] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    batch_hooks: dict[str, BatchHook] = field(default_factory=dict)
    mandrill_hooks: dict[int, MandrillHook] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    busy_signups: dict[str, int] = field(default_factory=dict)
    opt_in_mails: list[dict[str, object]] = field(default_factory=list)
    made: int = 0

    @property
    def user_id(self) -> int:
        return int(self.digest("user")[:7], 16)

    def digest(self, *parts: object) -> str:
        """Hexadecimal text that only depends on the account and the parts: ids repeat from run to run."""
        return hashlib.md5(":".join(map(str, (self.name, *parts))).encode(), usedforsecurity=False).hexdigest()

    def number(self) -> int:
        """The next number for anything that wants one: tags, notes, hooks, batches."""
        self.made += 1
        return self.made

    def new_id(self, kind: str, length: int = 10) -> str:
        return self.digest(kind, self.number())[:length]

    def audience(self, audience_id: str) -> Audience:
        found = self.audiences.get(audience_id)
        if found is None:
            raise not_found()
        return found

    def takes(self, credential: str) -> bool:
        """Whether this key or token opens the account; revoked ones never do again."""
        known = credential == self.api_key or credential in self.tokens
        return known and credential not in self.revoked
