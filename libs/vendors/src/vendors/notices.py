"""What a vendor's answers give people cause to know, though nothing has failed: told once, until its reason is gone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """`kind` is what it is about: of a kind, the same words are told once."""

    kind: str
    code: str
    message: str
