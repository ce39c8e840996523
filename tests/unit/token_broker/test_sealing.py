"""A sealed text opens where it was sealed and nowhere else; the ring never gives a wrong key away for the right one."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from common.environment import ConfigurationError
from token_broker.vault.keyring import FileRing, KeyLost, RingFixed, TextRing, create
from token_broker.vault.sealing import SealBroken, bound, seal, unseal

KEY = AESGCM.generate_key(256)


class TestSeal:
    @given(st.binary(max_size=300))
    def test_opens_where_it_was_sealed(self, plain: bytes) -> None:
        assert unseal(KEY, seal(KEY, plain, bound("a", "b")), bound("a", "b")) == plain

    @given(st.binary(min_size=1, max_size=60), st.integers(0, 10**6), st.integers(1, 255))
    def test_a_flipped_byte_is_an_error(self, plain: bytes, at: int, by: int) -> None:
        sealed = bytearray(seal(KEY, plain, bound("a")))
        sealed[at % len(sealed)] ^= by
        with pytest.raises(SealBroken):
            unseal(KEY, bytes(sealed), bound("a"))

    @given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
    def test_two_places_never_read_the_same(self, one: list[str], other: list[str]) -> None:
        assert (bound(*one) == bound(*other)) == (one == other)

    @pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + b"0" * 27, b"\x02" + b"0" * 60])
    def test_what_is_no_sealed_text_is_an_error(self, sealed: bytes) -> None:
        with pytest.raises(SealBroken):
            unseal(KEY, sealed, b"")

    def test_nothing_of_the_key_is_in_the_traceback(self) -> None:
        with pytest.raises(SealBroken) as broken:
            unseal(KEY, seal(KEY, b"x", b"a"), b"b")
        assert broken.value.__cause__ is None and broken.value.__suppress_context__


class TestRing:
    def test_the_first_key_is_made_once_and_is_private(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets" / "master.keys"
        create(path)
        first = path.read_text()
        create(path)
        assert path.read_text() == first
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_grows_and_retires(self, tmp_path: Path) -> None:
        path = tmp_path / "master.keys"
        create(path)
        ring = FileRing(path)
        (old,) = ring.ids
        wrapped = ring.wrap(old, "c", b"k")
        new = ring.grow()
        assert ring.primary == new and FileRing(path).unwrap(old, "c", wrapped) == b"k"
        kept = ring.retire(old)
        with pytest.raises(KeyLost):
            FileRing(path).unwrap(old, "c", wrapped)
        assert FileRing(Path(kept)).unwrap(old, "c", wrapped) == b"k"
        assert stat.S_IMODE(Path(kept).stat().st_mode) == 0o600

    def test_a_wrapped_key_is_bound_to_its_connection_and_its_ring_key(self) -> None:
        text = base64.b64encode(os.urandom(32)).decode()
        ring = TextRing(f"a {text}; b {text}")
        wrapped = ring.wrap("a", "one", b"k")
        for key_id, subject in (("a", "two"), ("b", "one")):
            with pytest.raises(SealBroken):
                ring.unwrap(key_id, subject, wrapped)

    def test_a_key_without_a_name_is_named_by_its_fingerprint(self) -> None:
        text = base64.b64encode(b"\x07" * 32).decode()
        assert TextRing(text).ids == TextRing(f"# ring\n{text}\n").ids

    def test_a_given_ring_cannot_grow(self) -> None:
        with pytest.raises(RingFixed):
            TextRing(base64.b64encode(b"\x07" * 32).decode()).grow()

    @pytest.mark.parametrize("text", ["", "# nothing", "k1 c2hvcnQ=", "k1 not-base64!", "a b c", "../x " + "A" * 43])
    def test_what_is_no_key_is_refused_without_being_repeated(self, text: str) -> None:
        with pytest.raises(ConfigurationError) as refused:
            TextRing(text)
        assert "c2hvcnQ" not in str(refused.value) and "AAAA" not in str(refused.value)

    def test_never_shows_a_key(self) -> None:
        text = base64.b64encode(b"canary-canary-canary-canary-cana").decode()
        ring = TextRing(f"k1 {text}")
        assert text not in repr(ring) and "canary" not in repr(ring) and "canary" not in repr(vars(ring))
