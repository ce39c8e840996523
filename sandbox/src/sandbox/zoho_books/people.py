"""What people do in the web application and no API can: adding custom fields (sheet, section 5), and writing what the API only shows here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.zoho_books.call import Change
from sandbox.zoho_books.crm_links import link
from sandbox.zoho_books.custom_fields import CustomField
from sandbox.zoho_books.hooks import Trigger
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.paper_views import paper_detail
from sandbox.zoho_books.papers import PAPERS, Paper, PaperKind
from sandbox.zoho_books.shelf import Shelf

MODULES = ("contact", "invoice", "item", "payment", "creditnote", *(kind.module for kind in PAPERS.values()))
MOST = 1000


def act(org: Organisation, wanted: dict[str, object], now: int, changes: list[Change]) -> dict[str, object]:
    """Do it, and say what has changed by it; raises ValueError for what cannot be."""
    if wanted.get("do") == "write_papers":
        return {"ids": _write(org, str(wanted.get("kind")), wanted.get("records"), now, changes)}
    if wanted.get("do") == "delete_paper":
        return _delete(org, str(wanted.get("kind")), str(wanted.get("id")), now, changes)
    if wanted.get("do") == "link_with_crm":
        return link(org, wanted, now, changes)
    if wanted.get("do") != "add_custom_field":
        raise ValueError('do is "add_custom_field", "link_with_crm", "write_papers" or "delete_paper"')
    field = _field(org, wanted)
    org.fields.append(field)
    return {"customfield_id": field.id, "api_name": field.api_name, "index": field.index}


def _write(org: Organisation, key: str, records: object, now: int, changes: list[Change]) -> list[str]:
    """New ones, and with their id in it others that are there already: of those what is written changes."""
    kind, shelf = _kind(key), org.papers[key]
    if not isinstance(records, list) or len(records) > MOST or not all(isinstance(one, dict) for one in records):
        raise ValueError(f"records is a list of at most {MOST} objects")
    made = [_paper(org, kind, shelf, one, now) for one in records]
    for paper in made:
        before = shelf.get(paper.id)
        shelf.put(paper, now)
        changes.append(_change(org, kind, paper, before))
    return [paper.id for paper in made]


def _paper(org: Organisation, kind: PaperKind, shelf: Shelf[Paper], written: dict[str, Any], now: int) -> Paper:
    given = dict(written)
    id_, custom = str(given.pop(kind.id_name, "")), given.pop("custom", {})
    unknown = sorted(set(given) - kind.named) + sorted(
        set(custom) - {one.api_name for one in org.fields_of(kind.module)}
    )
    if unknown:
        raise ValueError(f"a {kind.word} has no {', '.join(unknown)}")
    before = shelf.get(id_)
    if id_ and before is None:
        raise ValueError(f"there is no {kind.word} {id_}")
    if before is None:
        return Paper(org.new_id(), now, now, given, custom)
    return replace(before, modified=now, columns={**before.columns, **given}, custom={**before.custom, **custom})


def _delete(org: Organisation, key: str, id_: str, now: int, changes: list[Change]) -> dict[str, object]:
    kind, paper = _kind(key), org.papers[key].get(id_)
    if paper is None:
        raise ValueError(f"there is no {kind.word} {id_}")
    org.papers[key].drop(id_, now)
    changes.append(Change(kind.module, "delete", id_, frozenset(), {kind.word: paper_detail(org, kind, paper)}))
    return {"id": id_}


def _change(org: Organisation, kind: PaperKind, paper: Paper, before: Paper | None) -> Change:
    """As workflow rules are told of it."""
    names = {*kind.row, *kind.more} if before is not None else set[str]()
    differing = {name for name in names if before is not None and before.columns.get(name) != paper.columns.get(name)}
    trigger: Trigger = "create" if before is None else "update"
    return Change(kind.module, trigger, paper.id, frozenset(differing), {kind.word: paper_detail(org, kind, paper)})


def _kind(key: str) -> PaperKind:
    if key not in PAPERS:
        raise ValueError(f"kind is one of {', '.join(PAPERS)}")
    return PAPERS[key]


def _field(org: Organisation, wanted: dict[str, object]) -> CustomField:
    module, label = str(wanted.get("module", "contact")), str(wanted.get("label") or "")
    api_name = str(wanted.get("api_name") or f"cf_{label.strip().lower().replace(' ', '_')}")
    if module not in MODULES:
        raise ValueError(f"module is one of {', '.join(MODULES)}")
    if not label or not api_name.startswith("cf_") or any(one.api_name == api_name for one in org.fields_of(module)):
        raise ValueError("label is missing, or api_name is taken or does not begin with cf_")
    return CustomField(
        org.new_id(),
        module,
        len(org.fields_of(module)) + 1,
        api_name,
        label,
        str(wanted.get("data_type", "string")),
        unique=wanted.get("unique") is True,
        in_lists=wanted.get("in_lists") is True,
    )
