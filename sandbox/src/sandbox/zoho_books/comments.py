"""Comments on contacts and invoices."""

from __future__ import annotations

from sandbox.zoho_books import contact_store, invoices
from sandbox.zoho_books.call import Call, Reply, done
from sandbox.zoho_books.listing import small_page
from sandbox.zoho_books.records import Comment
from sandbox.zoho_books.refusals import absent, missing
from sandbox.zoho_books.stamps import day_of
from sandbox.zoho_books.wire import Document


def _shown(call: Call, comment: Comment) -> Document:
    stamp = call.org.stamp(comment.at)
    return {
        "comment_id": comment.id,
        "description": comment.text,
        "commented_by_id": comment.user_id,
        "commented_by": comment.by,
        "comment_type": "system" if comment.system else "internal",
        "date": day_of(comment.at, call.org.time_zone),
        "date_description": "",
        "time": stamp[11:16],
        "operation_type": "Added",
        "transaction_id": "",
        "transaction_type": "",
    }


def list_contact_comments(call: Call) -> Reply:
    contact = contact_store.found(call)
    rows = (
        {"contact_id": contact.id, "contact_name": contact.name, "is_entity_deleted": False} | _shown(call, comment)
        for comment in reversed(call.org.comments.get(contact.id, []))
    )
    return small_page(call, "contact_comments", "Contact Comments", rows, "date")


def add_contact_comment(call: Call) -> Reply:
    _added(call, contact_store.found(call).id)
    return done("The comment has been added.")


def delete_contact_comment(call: Call) -> Reply:
    _deleted(call, contact_store.found(call).id)
    return done("The comment has been deleted.")


def list_invoice_comments(call: Call) -> Reply:
    invoice = invoices.found(call)
    rows = [
        {"invoice_id": invoice.id} | _shown(call, comment)
        for comment in reversed(call.org.comments.get(invoice.id, []))
    ]
    return done("success", comments=rows)


def add_invoice_comment(call: Call) -> Reply:
    comment = _added(call, invoices.found(call).id)
    return done("Comments added.", comment={"invoice_id": call.ids["invoice_id"]} | _shown(call, comment))


def delete_invoice_comment(call: Call) -> Reply:
    _deleted(call, invoices.found(call).id)
    return done("The comment has been deleted.")


def _added(call: Call, owner_id: str) -> Comment:
    text = call.body().text("description", longest=2000)
    if not text.strip():
        raise missing("description")
    comment = Comment(call.org.new_id(), call.now, text, call.user.id, call.user.name)
    call.org.comments.setdefault(owner_id, []).append(comment)
    call.wrote("comment", comment.id, "create")
    return comment


def _deleted(call: Call, owner_id: str) -> None:
    comments = call.org.comments.get(owner_id, [])
    left = [comment for comment in comments if comment.id != call.ids["comment_id"]]
    if len(left) == len(comments):
        raise absent("Comment")
    call.org.comments[owner_id] = left
    call.wrote("comment", call.ids["comment_id"], "delete")
