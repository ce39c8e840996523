"""Whom we trust is read once, and still asked at each connection."""

from __future__ import annotations

import ssl

from common.http.trust import authorities


class TestAuthorities:
    def test_are_read_once_for_all_clients_of_a_process_and_verify(self) -> None:
        trusted = authorities()
        assert trusted is authorities()
        assert trusted.verify_mode is ssl.CERT_REQUIRED and trusted.check_hostname
        assert trusted.cert_store_stats()["x509_ca"] > 0
