"""The master keys: several with an id each, the newest last; they wrap the data keys and never touch a credential themselves.

# comment
k1 3q2+7wAA…          an id and 32 random bytes in base64, one key a line
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.environment import ConfigurationError
from common.secret import Secret
from token_broker.vault.sealing import bound, seal, unseal

KEY_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_HEADER = "# The master keys of Millrace's vault, newest last. Without them no connection can be opened: keep a copy elsewhere.\n"


class KeyLost(Exception):
    """A master key that the vault needs is not in the ring."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"The master key {key_id} is not in the key ring.")
        self.key_id = key_id


class RingFixed(Exception):
    """The ring was given to us and cannot be changed from here."""


class KeyRing(Protocol):
    """Wraps and unwraps data keys; a provider that never gives its keys away fits in as well."""

    provider: str

    @property
    def primary(self) -> str:
        """The key that wraps from now on."""

    @property
    def ids(self) -> Sequence[str]: ...

    def wrap(self, key_id: str, subject: str, plain: bytes) -> bytes: ...

    def unwrap(self, key_id: str, subject: str, wrapped: bytes) -> bytes:
        """Raises KeyLost for a key that is not here, SealBroken for a text that is not its own."""

    def reload(self) -> None:
        """Sees keys that were added elsewhere."""

    def grow(self) -> str:
        """Makes a new primary key, durable before it returns; raises RingFixed."""

    def retire(self, key_id: str) -> str:
        """Takes a key out that nothing needs any more; returns where it may still be found."""


class TextRing:
    """Keys given as text, by the environment or by tests."""

    provider = "environment"

    def __init__(self, text: str, origin: str = "MILLRACE_MASTER_KEY") -> None:
        self._keys = _parsed(text, origin)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._keys)})"

    @property
    def primary(self) -> str:
        return next(reversed(self._keys))

    @property
    def ids(self) -> Sequence[str]:
        return tuple(self._keys)

    def wrap(self, key_id: str, subject: str, plain: bytes) -> bytes:
        return seal(self._key(key_id), plain, bound("data-key", subject, key_id))

    def unwrap(self, key_id: str, subject: str, wrapped: bytes) -> bytes:
        return unseal(self._key(key_id), wrapped, bound("data-key", subject, key_id))

    def reload(self) -> None:
        """The text stays what it was."""

    def grow(self) -> str:
        raise RingFixed(
            "The key ring is given by MILLRACE_MASTER_KEY: add a line with a new key at its end, restart, then rotate."
        )

    def retire(self, key_id: str) -> str:
        return "MILLRACE_MASTER_KEY"

    def _key(self, key_id: str) -> bytes:
        key = self._keys.get(key_id)
        if key is None:
            raise KeyLost(key_id)
        return key.reveal().encode("latin-1")


class FileRing(TextRing):
    """Keys in a file that only its owner reads."""

    provider = "file"

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(_read(path), str(path))

    def reload(self) -> None:
        self._keys = _parsed(_read(self._path), str(self._path))

    def grow(self) -> str:
        self.reload()
        key_id = new_id()
        self._write({**self._keys, key_id: _fresh()})
        return key_id

    def retire(self, key_id: str) -> str:
        """The key moves to a file of its own beside the ring: only an old backup of the database needs it."""
        self.reload()
        kept = self._path.with_name(f"{self._path.name}.retired-{key_id}")
        _write(kept, _line(key_id, self._keys[key_id]))
        self._write({known: key for known, key in self._keys.items() if known != key_id})
        return str(kept)

    def _write(self, keys: Mapping[str, Secret]) -> None:
        try:
            _write(self._path, _HEADER + "".join(_line(key_id, key) for key_id, key in keys.items()))
        except OSError as refused:
            raise RingFixed(
                f"{self._path} cannot be written ({refused.strerror}): add a line with a new key, then rotate."
            ) from refused
        self._keys = dict(keys)


def create(path: Path) -> None:
    """The first key of a new installation; a second starter finds it made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.first")
    _write(fresh, _HEADER + _line(new_id(), _fresh()))
    try:
        # A link fails where a rename would overwrite the key that another starter has just begun to use.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def new_id() -> str:
    """A name that says nothing about the key."""
    return f"k{secrets.token_hex(4)}"


def _fresh() -> Secret:
    return Secret(AESGCM.generate_key(256).decode("latin-1"))


def _line(key_id: str, key: Secret) -> str:
    return f"{key_id} {base64.b64encode(key.reveal().encode('latin-1')).decode()}\n"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise ConfigurationError(
            [f"The master keys in {path} cannot be read ({error.strerror}): put the file back."]
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{path} is not a file of master keys: put the right file back."]) from error


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _parsed(text: str, origin: str) -> dict[str, Secret]:
    keys: dict[str, Secret] = {}
    for number, line in enumerate(text.replace(";", "\n").splitlines(), start=1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        key = _decoded(words[-1])
        if len(words) > 2 or key is None or (len(words) == 2 and not _ID.fullmatch(words[0])):
            raise ConfigurationError([f"{origin}, line {number}: a master key is an id and 32 bytes in base64."])
        keys[words[0] if len(words) == 2 else _named(key)] = Secret(key.decode("latin-1"))
    if not keys:
        raise ConfigurationError([f"{origin} holds no master key: put the right keys back."])
    return keys


def _decoded(text: str) -> bytes | None:
    try:
        key = base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_" if set(text) & set("-_") else None, validate=True
        )
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _named(key: bytes) -> str:
    """A key without a name is named by its fingerprint, so that the same key has the same name everywhere."""
    return "k" + hashlib.sha256(b"millrace master key" + key).hexdigest()[:8]
