"""Batches in time: run when the clock says so, told to batch hooks, fetched from an address that expires."""

from __future__ import annotations

from datetime import datetime

from sandbox.deliveries import Deliveries
from sandbox.faults import Fault, Faults
from sandbox.mailchimp import batches, posting
from sandbox.mailchimp.account import Account
from sandbox.mailchimp.api import Api
from sandbox.mailchimp.batch import Batch, Operation, Outcome, ticket
from sandbox.mailchimp.world import VENDOR, World
from sandbox.simulator import Answer, Request

XML = {"content-type": "application/xml"}
DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
NO_SUCH = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"


class BatchRuns:
    """Moves every unfinished batch on."""

    def __init__(self, world: World, api: Api, deliveries: Deliveries, faults: Faults) -> None:
        self._world, self._api, self._deliveries, self._faults = world, api, deliveries, faults

    def due(self, now: datetime) -> None:
        for account in self._world.accounts.values():
            for batch in list(account.batches.values()):
                self._advance(account, batch, now)

    def _advance(self, account: Account, batch: Batch, now: datetime) -> None:
        def run(operation: Operation, base_url: str) -> Outcome | None:
            return self._operate(account, now, operation, base_url)

        at = now.timestamp()
        if batch.expired(at):
            del account.batches[batch.id]
        elif batch.advance(at, self._world.switches.batch_seconds, run):
            self._tell(account, batch, int(at))

    def _operate(self, account: Account, now: datetime, operation: Operation, base_url: str) -> Outcome | None:
        """One operation with the faults that hit it; None where the archive does not tell of it."""
        path, body = "/" + operation.path.strip("/"), str(operation.body).encode()
        hits = self._faults.of_operation(VENDOR, account.name, operation.method, path, body)
        by_kind = {fault.kind: fault for fault in hits}
        if "reset_before" in by_kind:
            return None
        if "status" in by_kind:
            return _stated(by_kind["status"])
        done = self._api.operate(account, now, operation, base_url)
        if "reset_after" in by_kind:
            return None
        return _stated(by_kind["half_commit"]) if "half_commit" in by_kind else done

    def _tell(self, account: Account, batch: Batch, at: int) -> None:
        for hook in account.batch_hooks.values():
            if hook.enabled:
                message = batches.finished_message(account, batch, hook, at)
                self._deliveries.send(posting.delivery_of(account.name, message))

    def result(self, request: Request) -> Answer:
        """The archive of a batch, for whoever has the address in time."""
        name, _, file = request.path.strip("/").partition("/")
        account = self._world.accounts.get(name)
        batch = account.batches.get(file.removesuffix("-response.tar.gz")) if account else None
        expires = request.param("Expires") or ""
        if account is None or batch is None or not expires.isascii() or not expires.isdigit() or len(expires) > 12:
            return Answer(404, NO_SUCH, XML)
        good = request.param("Signature") == ticket(batch.id, account.api_key, int(expires))
        if not good or request.now.timestamp() > int(expires):
            return Answer(403, DENIED, XML, account=name)
        return Answer(200, b"".join(batch.archive), {"content-type": "application/x-gzip"}, account=name)


def _stated(fault: Fault) -> Outcome:
    return Outcome(fault.status, fault.body.encode())
