"""What lies in the vault: unreadable for others, worthless when moved, gone with its key, and never seen anywhere else."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncpg
import httpx
import pytest

from common.state.pool import close_pool, open_pool
from tests.support.broker import Broker, Browser, query
from tests.support.broker_world import World, eventually
from tests.support.burst import burst
from token_broker.vault.access_log import AccessLog

TABLES = (
    "ring_key",
    "data_key",
    "credential",
    "refresh_intent",
    "token_call",
    "consent",
    "webhook_secret",
    "access_log",
)


def api_key(world: World, broker: Broker, name: str) -> str:
    key = str(world.account("mailchimp")["api_key"])
    answer = broker.call("PUT", f"/v1/grants/{name}/api-key", json={"vendor": "mailchimp", "api_key": key})
    assert answer.status_code == 200, answer.text
    return key


def hook(broker: Broker, name: str, secret: str, **more: object) -> None:
    body = {"vendor": "mailchimp", "secret": secret, **more}
    assert broker.call("PUT", f"/v1/webhook-secrets/{name}", "ingest", json=body).status_code == 200


class TestRoles:
    @pytest.mark.parametrize("role", ["service", "console"])
    @pytest.mark.parametrize("table", TABLES)
    def test_no_other_role_reads_the_vault(self, world: World, role: str, table: str) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            query(world.database, f"select * from vault.{table}", role=role)

    def test_the_broker_reads_nothing_else(self, world: World) -> None:
        others = query(
            world.database,
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('core', 'flow')",
        )
        assert len(others) > 5
        for (table,) in others:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                query(world.database, f"select * from {table}", role="broker")

    def test_the_broker_executes_the_functions_of_gates_and_of_notices_and_no_other(self, world: World) -> None:
        may = query(
            world.database,
            """select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                where n.nspname not in ('pg_catalog', 'information_schema', 'vault')
                  and has_schema_privilege('millrace_broker', n.oid, 'usage')
                  and has_function_privilege('millrace_broker', p.oid, 'execute') order by 1""",
        )
        assert [row[0] for row in may] == ["clear_gate", "set_gate", "tell", "untell"]
        writable = query(
            world.database,
            """select format('%I.%I', schemaname, tablename) as name from pg_tables
                where schemaname in ('core', 'flow', 'public')
                  and has_table_privilege('millrace_broker', format('%I.%I', schemaname, tablename),
                                          'select, insert, update, delete, truncate, references, trigger')""",
        )
        assert writable == []

    def test_the_broker_cannot_pause_nor_unpause(self, world: World) -> None:
        for call in ("core.set_gate('x', 'paused', null, now(), '', '')", "core.clear_gate('x', 'paused', now())"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                query(world.database, f"select {call}", role="broker")


class TestMovedCiphertexts:
    """Somebody who may write the database gets an error out of it, and never a token."""

    @pytest.mark.parametrize("column", ["sealed_access", "sealed_refresh"])
    def test_flipped_swapped_or_put_back(self, own_world: World, column: str) -> None:
        broker = own_world.broker()
        own_world.connect_books(broker, "one")
        own_world.connect_books(broker, "two")
        old = _value(own_world, "one", column)
        own_world.advance(3590)
        first = broker.token("one").json()["token"]
        assert broker.token("two").status_code == 200
        right = _value(own_world, "one", column)
        assert right != old
        other = _value(own_world, "two", column)
        flipped = right[:-1] + bytes([right[-1] ^ 1])
        cross = _value(own_world, "one", "sealed_access" if column == "sealed_refresh" else "sealed_refresh")
        for wrong in (flipped, other, old, cross, b"", right[:20]):
            _set(own_world, "one", column, wrong)
            _forgotten(own_world)
            eventually(lambda: broker.token("one").status_code != 200)
            answer = broker.token("one")
            assert (answer.status_code, answer.json()["code"]) == (503, "CREDENTIAL_UNREADABLE"), wrong[:4]
            assert "token" not in answer.json()
            assert broker.token("two").status_code == 200
        _set(own_world, "one", column, right)
        _forgotten(own_world)
        assert broker.token("one").json()["token"] == first

    def test_a_data_key_of_another_connection(self, own_world: World) -> None:
        broker = own_world.broker()
        own_world.connect_books(broker, "one")
        own_world.connect_books(broker, "two")
        query(
            own_world.database,
            "update vault.data_key set wrapped = (select wrapped from vault.data_key where subject = 'two') where subject = 'one'",
        )
        _forgotten(own_world)
        eventually(lambda: broker.token("one").json().get("code") == "CREDENTIAL_UNREADABLE")

    def test_a_whole_row_under_another_name(self, own_world: World) -> None:
        broker = own_world.broker()
        own_world.connect_books(broker, "one")
        own_world.connect_books(broker, "two")
        columns = "sealed_access, sealed_refresh, generation, lineage, site, place"
        query(
            own_world.database,
            f"update vault.credential set ({columns}) = (select {columns} from vault.credential where connection = 'two') "
            "where connection = 'one'",
        )
        _forgotten(own_world)
        eventually(lambda: broker.token("one").json().get("code") == "CREDENTIAL_UNREADABLE")


class TestMasterKeys:
    def test_a_lost_key_is_said_plainly_at_the_start(self, own_world: World) -> None:
        broker = own_world.broker()
        api_key(own_world, broker, "mc")
        ring = own_world.home / "secrets" / "master.keys"
        text = ring.read_text()
        key_id = text.splitlines()[-1].split()[0]
        broker.stop()
        fresh = base64.b64encode(os.urandom(32)).decode()
        for wrong, words in (
            (None, "are gone"),
            (f"other {fresh}\n", f"The master key {key_id} is not in the key ring, and 1 connection"),
            (f"{key_id} {fresh}\n", "is not the one that the vault was sealed with"),
            ("nonsense\n", "a master key is an id and 32 bytes"),
        ):
            ring.unlink(missing_ok=True)
            if wrong is not None:
                ring.write_text(wrong)
            broker.start(ready=False)
            assert broker.died() == 78
            assert words in broker.log.read_text()
            assert fresh not in broker.log.read_text()
        ring.write_text(text)
        assert broker.start().token("mc").status_code == 200

    def test_the_ring_by_environment_and_by_file(self, own_world: World, tmp_path: Path) -> None:
        key = base64.b64encode(os.urandom(32)).decode()
        path = tmp_path / "ring"
        path.write_text(f"k1 {key}\n")
        broker = own_world.broker(MILLRACE_MASTER_KEY=f"k1 {key}")
        api_key(own_world, broker, "mc")
        assert not (own_world.home / "secrets" / "master.keys").exists()
        refused = broker.call("POST", "/v1/keys/rotate", "operator")
        assert (refused.status_code, refused.json()["code"]) == (409, "KEY_RING_FIXED")
        broker.stop()
        other = own_world.broker(MILLRACE_MASTER_KEY_FILE=str(path))
        assert other.token("mc").status_code == 200
        assert other.call("POST", "/v1/keys/rotate", "operator").status_code == 202
        eventually(lambda: other.call("GET", "/v1/keys", "operator").json()["rotation"]["state"] == "done")
        assert key not in path.read_text() and other.token("mc").status_code == 200

    async def test_rotation_under_load_fails_nobody_and_retires_the_old_key(self, own_world: World) -> None:
        brokers = [own_world.broker() for _ in range(2)]
        names = [f"m{number}" for number in range(12)]
        for name in names:
            api_key(own_world, brokers[0], name)
            hook(brokers[0], name, f"secret-of-{name}-0123456789")
        rotated = asyncio.Event()
        load = [asyncio.create_task(_load(brokers, names, rotated)) for _ in range(2)]
        await asyncio.sleep(0.5)
        for _ in range(2):
            await asyncio.to_thread(_rotate, brokers[0], len(names))
        rotated.set()
        statuses = [status for served in await asyncio.gather(*load) for status in served]
        assert len(statuses) > 40 and set(statuses) == {200}
        retired = list((own_world.home / "secrets").glob("master.keys.retired-*"))
        assert len(retired) == 2
        for path in retired:
            path.unlink()
        for broker in brokers:
            _restart(broker)
        assert {broker.token(name, "console").status_code for broker in brokers for name in names} == {200}

    def test_a_rotation_that_was_killed_is_taken_up(self, own_world: World) -> None:
        broker = own_world.broker(MILLRACE_TEST="1", MILLRACE_FAILPOINTS="broker.rotation.rewrapped=kill@3")
        for number in range(6):
            api_key(own_world, broker, f"m{number}")
        with suppress(httpx.TransportError):  # it may be dead before it has answered
            broker.call("POST", "/v1/keys/rotate", "operator")
        assert broker.died() == -9
        broker.start(MILLRACE_FAILPOINTS="", MILLRACE_TEST="")
        ring = broker.call("GET", "/v1/keys", "operator").json()["ring"]
        assert sorted(one["connections"] for one in ring) == [3, 3]
        assert {broker.token(f"m{number}").status_code for number in range(6)} == {200}
        broker.call("POST", "/v1/keys/rotate", "operator")
        eventually(lambda: broker.call("GET", "/v1/keys", "operator").json()["rotation"]["state"] == "done")
        assert [one["connections"] for one in broker.call("GET", "/v1/keys", "operator").json()["ring"]] == [6]


class TestWebhookSecrets:
    def test_two_are_valid_while_one_replaces_the_other(self, world: World, broker: Broker, name: str) -> None:
        hook(broker, name, "first-secret-0123456789")
        body = {"vendor": "mailchimp", "overlap_s": 600}
        fresh = broker.call("POST", f"/v1/webhook-secrets/{name}/rotate", "ingest", json=body).json()
        assert re.fullmatch(r"[A-Za-z0-9]{12,50}", fresh["secret"])
        assert _hooks(broker, name) == [fresh["secret"], "first-secret-0123456789"]
        world.advance(601)
        assert _hooks(broker, name) == [fresh["secret"]]

    def test_each_hook_of_a_connection_has_its_slot(self, broker: Broker, name: str) -> None:
        hook(broker, name, "of-audience-one-012345", slot="one")
        hook(broker, name, "of-audience-two-012345", slot="two")
        assert set(_hooks(broker, name)) == {"of-audience-one-012345", "of-audience-two-012345"}
        gone = broker.call("DELETE", f"/v1/webhook-secrets/{name}?slot=one", "ingest")
        assert gone.json() == {"deleted": 1}
        assert _hooks(broker, name) == ["of-audience-two-012345"]

    def test_a_connection_without_hooks_and_one_that_is_unknown(self, world: World, broker: Broker, name: str) -> None:
        assert broker.call("GET", f"/v1/webhook-secrets/{name}", "ingest").status_code == 404
        api_key(world, broker, name)
        assert broker.call("GET", f"/v1/webhook-secrets/{name}", "ingest").json()["secrets"] == []

    def test_an_application_has_its_own_which_no_connection_takes_along(
        self, world: World, broker: Broker, name: str
    ) -> None:
        path = "/v1/webhook-secrets/app:mailchimp"
        assert broker.call("GET", path, "ingest").status_code == 404
        hook(broker, "app:mailchimp", "verifier-of-the-app-01234", slot="verifier")
        other = {"vendor": "shopify", "secret": "verifier-of-the-app-01234"}
        assert broker.call("PUT", path, "ingest", json=other).status_code == 422
        api_key(world, broker, name)
        assert broker.call("DELETE", f"/v1/grants/{name}").status_code == 200
        (kept,) = broker.call("GET", path, "ingest").json()["secrets"]
        assert (kept["slot"], kept["secret"]) == ("verifier", "verifier-of-the-app-01234")
        assert broker.call("POST", "/v1/tokens/app:mailchimp", "ingest", json={}).status_code == 404
        assert broker.call("DELETE", f"{path}?slot=verifier", "ingest").json() == {"deleted": 1}


class TestCallers:
    def test_a_service_gets_its_own_vendors_and_nothing_else(self, world: World, broker: Broker, name: str) -> None:
        world.connect_books(broker, name)
        api_key(world, broker, f"{name}-mc")
        allowed = {
            ("ingest", name): 200,
            ("writer-zoho", name): 200,
            ("writer-mailchimp", name): 403,
            ("writer-mailchimp", f"{name}-mc"): 200,
            ("writer-zoho", f"{name}-mc"): 403,
            ("writer-quickbooks", name): 403,
            ("operator", name): 403,
        }
        for (caller, connection), status in allowed.items():
            answer = broker.token(connection, caller)
            assert answer.status_code == status, (caller, connection)
            assert (status == 200) == ("token" in answer.json())

    @pytest.mark.parametrize("caller", ["ingest", "writer-mailchimp", "operator"])
    def test_only_the_console_connects_and_only_the_operator_rotates(self, broker: Broker, caller: str) -> None:
        for method, path in (("GET", "/v1/grants"), ("DELETE", "/v1/grants/x"), ("GET", "/v1/access-log?connection=x")):
            assert broker.call(method, path, caller).status_code == 403
        if caller != "operator":
            assert broker.call("POST", "/v1/keys/rotate", caller).status_code == 403

    def test_a_caller_without_a_key_learns_nothing(self, broker: Broker, name: str) -> None:
        for header in ({}, {"authorization": "Bearer nonsense"}, {"authorization": f"Basic {broker.key('ingest')}"}):
            answer = httpx.post(f"{broker.url}/v1/tokens/{name}", headers=header, json={})
            assert (answer.status_code, answer.json()["code"]) == (401, "CALLER_UNKNOWN")

    def test_a_revoked_caller_is_refused_at_once(self, world: World, broker: Broker, name: str) -> None:
        api_key(world, broker, name)
        path = world.home / "secrets" / "writer-mailchimp.key"
        key = path.read_text()
        assert broker.token(name, "writer-mailchimp").status_code == 200
        path.unlink()
        try:
            answer = broker.call("POST", f"/v1/tokens/{name}", headers={"authorization": f"Bearer {key}"}, json={})
            assert answer.status_code == 401
        finally:
            path.write_text(key)

    def test_every_read_is_written_down(self, world: World, broker: Broker, name: str) -> None:
        api_key(world, broker, name)
        hook(broker, name, "hook-secret-0123456789")
        trace = "0af7651916cd43dd8448eb211c80319c"
        headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        broker.call("POST", f"/v1/tokens/{name}", "ingest", json={}, headers=headers)
        broker.token(name, "writer-zoho")
        broker.call("GET", f"/v1/webhook-secrets/{name}", "ingest")
        reads = broker.call("GET", f"/v1/access-log?connection={name}").json()["reads"]
        assert [(read["caller"], read["what"], read["outcome"]) for read in reads] == [
            ("ingest", "webhook-secret", "ok"),
            ("writer-zoho", "token", "CALLER_NOT_ALLOWED"),
            ("ingest", "token", "ok"),
        ]
        assert reads[-1]["trace_id"] == trace and reads[-1]["generation"] == 1

    async def test_no_line_is_lost_by_a_clean_stop(self, own_world: World) -> None:
        broker = own_world.broker()
        api_key(own_world, broker, "mc")
        replies = await burst(broker.url, "/v1/tokens/mc", broker.key("ingest"), 1500)
        assert {reply.status for reply in replies} == {200}
        assert await asyncio.to_thread(broker.stop) == 0
        rows = query(
            own_world.database, "select count(*) from vault.access_log where connection = 'mc' and what = 'token'"
        )
        assert rows[0][0] == 1500


class TestCanaries:
    """Every secret that passes through is looked for in all that is left behind."""

    def test_no_secret_is_anywhere_but_where_it_belongs(self, own_world: World) -> None:
        with _collector() as spans:
            broker = own_world.broker(
                OTEL_EXPORTER_OTLP_ENDPOINT=spans.url, OTEL_TRACES_SAMPLER="always_on", LOG_LEVEL="debug"
            )
            secrets, pages = _everything_that_can_happen(own_world, broker)
            assert broker.stop() == 0
            told = {
                "log": broker.log.read_bytes(),
                "spans": b"".join(spans.bodies),
                "pages": "\n".join(pages).encode(),
                "tables": _dump(own_world),
            }
        assert b"/oauth/v2/token" in told["spans"] and b"POST /v1/tokens/{connection}" in told["spans"]
        assert b"refresh.attempted" in told["log"] and b"canary-connection" in told["tables"]
        for where, text in told.items():
            for name, secret in secrets.items():
                for form in (secret.encode(), base64.b64encode(secret.encode()), secret.encode().hex().encode()):
                    i = text.find(form)
                    assert i < 0, (f"{name} is in the {where}", text[max(0, i - 700) : i + 200])


class _Collector(BaseHTTPRequestHandler):
    bodies: list[bytes]

    def do_POST(self) -> None:
        import gzip

        body = self.rfile.read(int(self.headers["content-length"]))
        self.bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return None


class _Spans:
    """A trace collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Collector", (_Collector,), {"bodies": self.bodies}))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> _Spans:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _collector() -> _Spans:
    return _Spans()


def _everything_that_can_happen(world: World, broker: Broker) -> tuple[dict[str, str], list[str]]:
    """Good and bad ends of everything; returns the secrets that took part, and what browsers and callers were shown."""
    name, pages = "canary-connection", []
    asked = {"connection": name, "vendor": "zoho-books", "name": name, "site": "eu"}
    consent = broker.call("POST", "/v1/consents", json=asked).json()
    browser = Browser()
    vendor = browser.to_vendor(consent["start_url"])
    back = browser.decide(vendor)
    pages += [browser.get(back).text, browser.get(back).text, Browser().get(consent["start_url"]).text]
    told = broker.call("GET", f"/v1/consents/{consent['id']}").json()
    place = {"place": told["places"][0]["id"]}
    pages.append(broker.call("POST", f"/v1/consents/{consent['id']}/place", json=place).text)
    first = broker.token(name).json()["token"]
    world.advance(3590)
    second = broker.token(name).json()["token"]
    key = api_key(world, broker, f"{name}-mc")
    wrong = "f" * 32 + "-us6"
    pages.append(
        broker.call("PUT", f"/v1/grants/{name}-x/api-key", json={"vendor": "mailchimp", "api_key": wrong}).text
    )
    pages.append(broker.call("PUT", f"/v1/grants/{name}-x/api-key", json={"vendor": 7, "api_key": [wrong]}).text)
    hook(broker, name, "canary-hook-secret-0123456789")
    broker.call("GET", f"/v1/webhook-secrets/{name}", "ingest")
    world.sandbox.post("faults", {"vendor": "zoho-accounts", "kind": "token_revoked", "route": "POST /oauth/v2/token"})  # type: ignore[union-attr]
    world.advance(3590)
    pages += [
        broker.token(name).text,
        broker.call("GET", "/v1/grants").text,
        broker.call("GET", f"/v1/grants/{name}").text,
    ]
    world.sandbox.delete("faults")  # type: ignore[union-attr]
    pages.append(broker.call("POST", "/v1/keys/rotate", "operator").text)
    pages.append(broker.call("DELETE", f"/v1/grants/{name}").text)
    parts = dict(part.split("=", 1) for part in back.split("?", 1)[1].split("&"))
    ring = "\n".join(path.read_text() for path in (world.home / "secrets").glob("master.keys*"))
    secrets = {
        "client secret": str(world.account("zoho-books")["client_secret"]),
        "mailchimp client secret": str(world.account("mailchimp")["client_secret"]),
        "first access token": first,
        "second access token": second,
        "api key": key,
        "refused api key": wrong,
        "webhook secret": "canary-hook-secret-0123456789",
        "grant code": parts["code"],
        "state": parts["state"],
        "ticket": consent["start_url"].rsplit("/", 1)[1],
        "database password": world.database.url("broker").split(":")[2].split("@")[0],
    }
    secrets |= {f"cookie {n}": cookie for n, cookie in enumerate(browser.client.cookies.values())}
    secrets |= {f"key of {caller}": broker.key(caller) for caller in ("ingest", "console", "operator")}
    secrets |= {f"master key {n}": key for n, key in enumerate(re.findall(r"^\S+ (\S{40,})$", ring, re.M))}
    refresh = _refresh_tokens(world)
    assert refresh and len(secrets) > 15
    return secrets | refresh, pages


def _refresh_tokens(world: World) -> dict[str, str]:
    """Those the sandbox has given out, from its snapshot's memory: no answer of ours ever told one."""
    tokens: dict[str, str] = {}
    log = world.brokers[0].log
    assert log.exists()
    assert world.sandbox is not None
    for number, token in enumerate(_sealed_refresh_tokens(world)):
        tokens[f"refresh token {number}"] = token
    return tokens


def _sealed_refresh_tokens(world: World) -> Iterator[str]:
    from token_broker.vault.keyring import FileRing
    from token_broker.vault.sealing import bound, unseal

    ring = FileRing(world.home / "secrets" / "master.keys")
    keys = {row["subject"]: row for row in query(world.database, "select * from vault.data_key")}
    for row in query(world.database, "select * from vault.credential"):
        key = keys[row["connection"]]
        plain = ring.unwrap(key["ring_key"], row["connection"], key["wrapped"])
        for field in ("access", "refresh"):
            if row[f"sealed_{field}"] is not None:
                place = bound("field", row["connection"], field, str(row["generation"]))
                yield unseal(plain, row[f"sealed_{field}"], place).decode()


def _dump(world: World) -> bytes:
    """Every row of every table as text, ciphertexts among them."""
    tables = query(
        world.database,
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('core', 'flow', 'vault')",
    )
    rows = [str(row[0]) for (table,) in tables for row in query(world.database, f"select t::text from {table} t")]
    return "\n".join(rows).encode()


async def _load(brokers: list[Broker], names: list[str], over: asyncio.Event) -> list[int]:
    """Tokens from memory and webhook secrets from the vault, without pause until it is over, and of each connection at least once."""
    statuses, turn = list[int](), 0
    async with httpx.AsyncClient(timeout=60) as client:
        while not over.is_set() or turn < len(names):
            broker, name = brokers[turn % len(brokers)], names[turn % len(names)]
            headers = broker.headers("ingest")
            hooks = await client.get(f"{broker.url}/v1/webhook-secrets/{name}", headers=headers)
            token = await client.post(f"{broker.url}/v1/tokens/{name}", headers=headers, json={})
            statuses += [hooks.status_code, token.status_code]
            turn += 1
    return statuses


def _rotate(broker: Broker, connections: int) -> None:
    assert broker.call("POST", "/v1/keys/rotate", "operator").status_code == 202
    eventually(lambda: broker.call("GET", "/v1/keys", "operator").json()["rotation"]["state"] == "done")
    told = broker.call("GET", "/v1/keys", "operator").json()
    assert [one["connections"] for one in told["ring"]] == [connections]
    assert told["rotation"]["done"] == told["rotation"]["total"] == connections


def _forgotten(world: World) -> None:
    """Makes the brokers read again what they have in memory, as they do after any change of theirs: as soon as they hear of it."""
    for connection in ("one", "two"):
        query(world.database, "select pg_notify('vault_credential', $1)", connection)


def _restart(broker: Broker) -> None:
    broker.kill()
    broker.start()


def _value(world: World, connection: str, column: str) -> bytes:
    row = query(world.database, f"select {column} from vault.credential where connection = $1", connection)[0]
    return bytes(row[0])


def _set(world: World, connection: str, column: str, value: bytes) -> None:
    query(world.database, f"update vault.credential set {column} = $2 where connection = $1", connection, value)


def _hooks(broker: Broker, name: str) -> list[str]:
    told = broker.call("GET", f"/v1/webhook-secrets/{name}", "ingest").json()
    return [one["secret"] for one in told["secrets"]]


class TestRetention:
    async def test_reads_and_token_calls_of_long_ago_go_a_few_at_a_time(
        self, world: World, broker: Broker, name: str
    ) -> None:
        for table, columns, values in (
            ("access_log", "at, caller, connection, vendor, what, outcome", "'c', $1, 'v', 'token', 'given'"),
            ("token_call", "at, connection, lineage, because", "$1, 1, 'expired'"),
        ):
            for age, rows in (("100 days", 12_000), ("10 days", 5)):
                query(
                    world.database,
                    f"insert into vault.{table} ({columns}) select now() - interval '{age}', {values} from generate_series(1, {rows})",
                    name,
                    role="broker",
                )
        pool = await open_pool(world.database.url("broker"), name="test", size=1)
        try:
            await AccessLog(pool).forget(datetime.now(UTC) - timedelta(days=90))
        finally:
            await close_pool(pool)
        for table in ("access_log", "token_call"):
            ((left,),) = query(
                world.database, f"select count(*) from vault.{table} where connection = $1", name, role="broker"
            )
            assert left == 5, table
