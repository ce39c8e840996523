"""Opens and seals: a data key for each connection, wrapped by the key ring, and every field bound to its connection and generation.

A data key that a ring key of this process does not know is looked for once more in the ring's file: another replica may have
rotated. What the vault holds is only ever decrypted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.environment import ConfigurationError
from common.secret import Secret
from common.state import pool as state
from token_broker.vault.keyring import KeyLost, KeyRing
from token_broker.vault.sealing import SealBroken, bound, seal, unseal

_PROOF = b"millrace"


class Vault:
    """Seals and opens fields; `tx` is the transaction in which the row with the ciphertext is read or written."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        # With the wrapped form: a data key that was replaced is never taken from here.
        self._open: dict[str, tuple[bytes, Secret]] = {}

    def __repr__(self) -> str:
        return f"Vault({self._ring!r})"

    async def seal(self, tx: state.DbConnection, subject: str, field: str, generation: int, value: Secret) -> bytes:
        """The ciphertext of one field."""
        key = await self._key(tx, subject, make=True)
        return seal(key, value.reveal().encode(), _place(subject, field, generation))

    async def open(self, tx: state.DbConnection, subject: str, field: str, generation: int, sealed: bytes) -> Secret:
        """The field's value; raises SealBroken when it was not sealed for exactly this place."""
        key = await self._key(tx, subject, make=False)
        return Secret(unseal(key, sealed, _place(subject, field, generation)).decode())

    async def forget(self, tx: state.DbConnection, subject: str) -> None:
        """Destroys the data key: whatever ciphertext of this subject lies in a backup stays shut."""
        await tx.execute("delete from vault.data_key where subject = $1", subject)
        self._open.pop(subject, None)

    async def check(self, tx: state.DbConnection) -> None:
        """At the start: every key that the vault needs is there and is the right one, else the service does not start."""
        needed: dict[str, int] = dict(
            await tx.fetch(
                "select ring_key, count(*) from vault.data_key where subject not like 'consent:%' group by 1"
            )
        )
        proofs = await tx.fetch("select id, proof from vault.ring_key")
        wrong = [row["id"] for row in proofs if row["id"] in self._ring.ids and not self._proves(row)]
        lost = sorted(set(needed) - set(self._ring.ids))
        problems = [_wrong_key(key_id) for key_id in wrong] + [_lost_key(key_id, needed[key_id]) for key_id in lost]
        if problems:
            raise ConfigurationError(problems)
        await self.introduce(tx)

    async def introduce(self, tx: state.DbConnection) -> None:
        """Leaves a proof of the primary key, before anything is wrapped with it."""
        key_id = self._ring.primary
        proof = self._ring.wrap(key_id, "proof", _PROOF)
        await tx.execute("insert into vault.ring_key (id, proof) values ($1, $2) on conflict do nothing", key_id, proof)

    async def rewrap(self, tx: state.DbConnection, subject: str, former: str) -> bool:
        """Wraps one data key with the primary key; false when it is no longer wrapped with the former one."""
        row = await tx.fetchrow(
            "select wrapped from vault.data_key where subject = $1 and ring_key = $2 for update", subject, former
        )
        if row is None:
            return False
        plain, primary = self._unwrap(former, subject, row["wrapped"]), self._ring.primary
        await tx.execute(
            "update vault.data_key set ring_key = $2, wrapped = $3, wrapped_at = now() where subject = $1",
            subject,
            primary,
            self._ring.wrap(primary, subject, plain),
        )
        return True

    async def _key(self, tx: state.DbConnection, subject: str, *, make: bool) -> bytes:
        row = await tx.fetchrow("select ring_key, wrapped from vault.data_key where subject = $1", subject)
        if row is None and make:
            await self._make(tx, subject)
            row = await tx.fetchrow("select ring_key, wrapped from vault.data_key where subject = $1", subject)
        if row is None:
            raise SealBroken
        wrapped, key = self._open.get(subject, (b"", Secret("")))
        if wrapped != row["wrapped"]:
            key = Secret(self._unwrap(row["ring_key"], subject, row["wrapped"]).decode("latin-1"))
            self._open[subject] = (row["wrapped"], key)
        return key.reveal().encode("latin-1")

    async def _make(self, tx: state.DbConnection, subject: str) -> None:
        primary = self._ring.primary
        await tx.execute(
            "insert into vault.data_key (subject, ring_key, wrapped) values ($1, $2, $3) on conflict do nothing",
            subject,
            primary,
            self._ring.wrap(primary, subject, AESGCM.generate_key(256)),
        )

    def _unwrap(self, key_id: str, subject: str, wrapped: bytes) -> bytes:
        try:
            return self._ring.unwrap(key_id, subject, wrapped)
        except KeyLost:
            self._ring.reload()
            return self._ring.unwrap(key_id, subject, wrapped)

    def _proves(self, row: Mapping[str, Any]) -> bool:
        try:
            return self._ring.unwrap(row["id"], "proof", row["proof"]) == _PROOF
        except SealBroken:
            return False


def _place(subject: str, field: str, generation: int) -> bytes:
    return bound("field", subject, field, str(generation))


def _lost_key(key_id: str, connections: int) -> str:
    return (
        f"The master key {key_id} is not in the key ring, and {connections} connection(s) cannot be opened without it: "
        "put the key back, or delete and reconnect these connections."
    )


def _wrong_key(key_id: str) -> str:
    return f"The master key {key_id} in the key ring is not the one that the vault was sealed with: put the right key back."
