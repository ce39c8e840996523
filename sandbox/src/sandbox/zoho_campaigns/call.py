"""One admitted call on its way: where it stands, what it says, what it changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.simulator import Applied, Operation
from sandbox.zoho_campaigns.account import Account
from sandbox.zoho_campaigns.parameters import Parameters
from sandbox.zoho_campaigns.records import MailingList
from sandbox.zoho_campaigns.refusals import Refusal
from sandbox.zoho_campaigns.switches import Switches


@dataclass
class Call:
    """Everything a method needs to answer one request."""

    account: Account
    switches: Switches
    now: int
    parameters: Parameters = field(default_factory=dict)
    owner: tuple[str, str] = ("", "")  # name and zuid of whoever asks
    applied: list[Applied] = field(default_factory=list)

    def given(self, name: str) -> str:
        return self.parameters.get(name, "")

    def noted(self, kind: str, id_: str, op: Operation) -> None:
        self.applied.append(Applied(kind, id_, op))

    def noted_member(self, mailing_list: MailingList, email: str, op: Operation) -> None:
        """Whoever was added to a list, or changed as a member of it: one row, whatever of the contact is new."""
        self.noted("member", f"{mailing_list.key}/{email}", op)

    def list_of(self, invalid: str) -> MailingList:
        """The list that `listkey` names; each method has its own code for one that is not there."""
        key = self.given("listkey")
        found = self.account.lists.get(key)
        if found is not None:
            return found
        raise Refusal("2206" if key in self.account.deleted_lists else invalid)
