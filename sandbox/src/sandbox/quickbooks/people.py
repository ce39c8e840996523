"""What people do outside the API: in a company's own pages, and in the developer portal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.quickbooks import posting, writing
from sandbox.quickbooks.apps import App, new_app
from sandbox.quickbooks.call import Call
from sandbox.quickbooks.entities import NAMED, PAPERS, TOLD
from sandbox.quickbooks.event import OPERATIONS
from sandbox.quickbooks.record import Record
from sandbox.quickbooks.refusals import Document
from sandbox.quickbooks.views import shown
from sandbox.quickbooks.world import APP, World


class People:
    """One person who does one thing; raises KeyError for what is not there, ValueError for what cannot be."""

    def __init__(self, world: World, call: Call, body: Document) -> None:
        self._world, self._call, self._body = world, call, body
        self._company = call.company

    def act(self) -> Document:
        acts: dict[str, Callable[[], Document]] = {
            "create": self._create, "edit": self._edit, "type_notes": self._type_notes, "merge": self._merge,
            "project": self._project, "invoice": self._invoice, "pay": self._pay, "delete": self._delete,
            "withdraw": self._withdraw, "restore": self._restore, "demote": self._demote, "promote": self._promote,
            "disconnect": self._disconnect, "lapse": self._lapse, "renew": self._renew,
            "set_webhook": self._set_webhook, "remove_webhook": self._remove_webhook,
            "rotate_verifier": self._rotate_verifier, "register_app": self._register_app,
        }  # fmt: skip
        wanted = self._body.get("do")
        if not isinstance(wanted, str) or wanted not in acts:
            raise ValueError(f"do is one of {', '.join(sorted(acts))}")
        return acts[wanted]()

    # The names list

    def _create(self) -> Document:
        return self._stored(self._entity(NAMED), {})

    def _edit(self) -> Document:
        """As in the page: nobody asks which version is meant."""
        record = self._record(self._entity(NAMED))
        return self._stored(record.entity, {"Id": record.id, "sparse": True})

    def _stored(self, entity: str, more: Document) -> Document:
        values = self._body.get("values") or {}
        if not isinstance(values, dict):
            raise ValueError("values is an object")
        return self._shown(writing.write(self._call, entity, values | more))

    def _shown(self, record: Record) -> Document:
        return shown(self._company, record)

    def _type_notes(self) -> Document:
        """Somebody types into the notes of a customer: `text` before, after or instead of what is there."""
        record, text = self._record("Customer"), str(self._body.get("text", ""))
        there = record.values.get("Notes") or ""
        typed = {"before": text + there, "after": there + text, "instead": text}.get(
            str(self._body.get("where", "after"))
        )
        if typed is None:
            raise ValueError("where is before, after or instead")
        body = {"Id": record.id, "sparse": True, "Notes": typed}
        return self._shown(writing.write(self._call, "Customer", body))

    def _project(self) -> Document:
        parent = self._record("Customer", "parent")
        name = str(self._body.get("name") or f"Project {self._company.last_id + 1}")
        body = {"DisplayName": name, "Job": True, "BillWithParent": True, "ParentRef": {"value": parent.id}}
        record = writing.write(self._call, "Customer", body)
        record.values["IsProject"] = True  # read only to everybody else
        return self._shown(record)

    def _merge(self) -> Document:
        """`from` goes into `into`, with everything that was theirs."""
        loser, survivor = self._record("Customer", "from"), self._record("Customer", "into")
        if loser.id == survivor.id or survivor.id in self._company.below(loser.id):
            raise ValueError("nobody merges with themselves, or with who is below them")
        for child in list(self._company.children.get(loser.id, ())):
            self._hand_over(self._company.shelves["Customer"][child], "ParentRef", survivor)
        for entity in PAPERS:
            for paper in list(self._company.shelves[entity].values()):
                if paper.values["CustomerRef"]["value"] == loser.id:
                    self._hand_over(paper, "CustomerRef", survivor)
        self._move_notes(loser, survivor)
        self._company.owe(survivor.id, self._company.owed.pop(loser.id, Decimal(0)))
        self._company.drop(loser, self._call.at, merged=True)
        self._company.change(survivor, survivor.values, self._call.at, active=survivor.state.active)
        self._call.wrote(survivor, "update", "Merge", loser.id)
        return self._shown(survivor)

    def _hand_over(self, record: Record, name: str, survivor: Record) -> None:
        values = {**record.values, name: {"value": survivor.id}}
        self._company.change(record, values, self._call.at, active=record.state.active)

    def _move_notes(self, loser: Record, survivor: Record) -> None:
        for note in self._company.shelves["Attachable"].values():
            for one in note.values.get("AttachableRef", ()):
                if one["EntityRef"] == {"type": "Customer", "value": loser.id}:
                    one["EntityRef"]["value"] = survivor.id

    # Amounts

    def _invoice(self) -> Document:
        customer, now = self._record("Customer", "customer"), self._call.now
        due = (now + timedelta(days=30)).date().isoformat()
        return self._shown(writing.add_invoice(self._call, customer.id, self._amount(), now.date().isoformat(), due))

    def _pay(self) -> Document:
        invoice, amount = self._record("Invoice", "invoice"), self._amount()
        if amount > invoice.values["Balance"]:
            raise ValueError("nobody pays more than is owed")
        return self._shown(writing.add_payment(self._call, invoice, amount, self._call.now.date().isoformat()))

    def _amount(self) -> Decimal:
        try:
            amount = Decimal(str(self._body.get("amount"))).quantize(Decimal("0.01"))
            fits = 0 < amount < 10**9
        except InvalidOperation as wrong:
            raise ValueError("amount is a decimal number") from wrong
        if not fits:
            raise ValueError("amount is more than nothing, and less than a thousand million")
        return amount

    def _delete(self) -> Document:
        """An invoice can be deleted, and nobody of the names list."""
        record = self._record(self._entity(("Invoice",)))
        self._company.owe(record.values["CustomerRef"]["value"], -record.values["Balance"])
        self._company.drop(record, self._call.at)
        self._call.wrote(record, "delete", "Delete")
        return {"id": record.id}

    # Who may come in

    def _withdraw(self) -> Document:
        return self._mark(withdrawn=True)

    def _restore(self) -> Document:
        return self._mark(withdrawn=False)

    def _demote(self) -> Document:
        return self._mark(demoted=True)

    def _promote(self) -> Document:
        return self._mark(demoted=False)

    def _mark(self, **marks: bool) -> Document:
        grant = self._app().grants[self._company.realm]
        for name, value in marks.items():
            setattr(grant, name, value)
        return {"realm": grant.realm, **marks}

    def _disconnect(self) -> Document:
        del self._app().grants[self._company.realm]
        return {"realm": self._company.realm}

    def _lapse(self) -> Document:
        self._company.lapsed = True
        return {"lapsed": True}

    def _renew(self) -> Document:
        self._company.lapsed = False
        return {"lapsed": False}

    # The developer portal, which belongs to an application and to no company

    def _set_webhook(self) -> Document:
        app = self._app()
        ticked = posting.portal_entities(self._body.get("entities"), TOLD, OPERATIONS)
        app.webhook = posting.webhook(self._body.get("url"), ticked, self._call.now, self._call.switches.portal_lag_s)
        app.on_its_way = ""  # whatever is on its way to the former address holds up nobody
        return {"url": app.webhook.url, "entities": ticked, "verifier_token": app.verifier_token}

    def _remove_webhook(self) -> Document:
        app = self._app()
        app.webhook, app.on_its_way = None, ""
        app.waiting.clear()
        return {"app": app.key}

    def _rotate_verifier(self) -> Document:
        return {"verifier_token": self._app().rotate_verifier()}

    def _register_app(self) -> Document:
        name, uris = self._body.get("name"), self._body.get("redirect_uris") or []
        if not isinstance(name, str) or not name or name in self._world.apps:
            raise ValueError("name is one that no application has")
        if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
            raise ValueError("redirect_uris is a list of addresses")
        app = self._world.apps[name] = new_app(name, tuple(uris))
        return {
            "app": name, "client_id": app.client_id, "client_secret": app.client_secret, "verifier_token": app.verifier_token
        }  # fmt: skip

    # What a wish names

    def _app(self) -> App:
        return self._world.apps[str(self._body.get("app", APP))]

    def _entity(self, among: tuple[str, ...]) -> str:
        found: Any = self._body.get("entity", among[0])
        if found not in among:
            raise ValueError(f"entity is one of {', '.join(among)}")
        return str(found)

    def _record(self, entity: str, name: str = "id") -> Record:
        id_ = self._body.get(name)
        found = self._company.find(entity, id_)
        if found is None:
            raise KeyError(f"{entity} {id_}")
        return found
