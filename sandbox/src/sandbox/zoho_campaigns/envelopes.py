"""How answers are wrapped: in a form by method, in XML unless JSON is asked for (sheet, sections 1 and 2)."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

import orjson

from sandbox.simulator import Answer
from sandbox.zoho_campaigns.refusals import Document, Refusal

VERSION = "1.1"
BASE = "/api/v1.1"
JSON, XML = "application/json;charset=UTF-8", "text/xml;charset=UTF-8"
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# The forms: keys on the top level; the message first; all under `response`; without status; of version 1 with `failure`.
PLAIN, SAID, NESTED, TOPICS, TAGS = "plain", "said", "nested", "topics", "tags"


def succeeded(form: str, name: str, told: Document) -> Document:
    """The document of an answer, from what the method tells."""
    if form == NESTED:
        return {"response": {"code": "0"} | told}
    if form == TOPICS:
        return told | {"code": "200", "message": "Success", "uri": f"{BASE}/{name}"}
    if form == TAGS:
        return {"code": "0"} | told | {"version": "1", "uri": f"/api/v1/{name}", "status": "success"}
    head = {"status": "success", "code": "0", "uri": f"{BASE}/{name}", "version": VERSION}
    return told | head if form == SAID else head | told


def failed(form: str, name: str, refusal: Refusal) -> Document:
    """Its keys are capital, small or nested: no client may rely on any of it."""
    code, message, uri = refusal.code, refusal.message, f"{BASE}/{name}"
    if refusal.by_gateway or form == PLAIN:
        return {"message": message, "version": VERSION, "URI": uri, "Code": code, "status": "error"}
    if form == NESTED:
        return {"response": {"message": message, "code": code, "uri": uri}}
    if form == TOPICS:
        return {"code": code, "message": message, "uri": uri}
    if form == TAGS:
        return {"code": code, "message": message, "version": "1", "uri": f"/api/v1/{name}", "status": "failure"}
    return {"status": "error", "code": code, "message": message, "uri": uri, "version": VERSION}


def written(document: Document, name: str, *, as_json: bool, status: int = 200) -> Answer:
    if as_json:
        return Answer(status, orjson.dumps(document), {"content-type": JSON})
    return Answer(status, xml_of(document.get("response", document), name), {"content-type": XML})


def xml_of(document: Document, name: str) -> bytes:
    """The same as elements; address and version are attributes."""
    inner = "".join(element(key, value) for key, value in document.items() if key.lower() not in ("uri", "version"))
    uri = escape(UNWRITABLE.sub("", f"{BASE}/{name}"), {'"': "&quot;"})
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<response uri="{uri}" version="1">{inner}</response>'.encode()


def element(key: str, value: object) -> str:
    if isinstance(value, list):
        return f"<{key}>{''.join(element('row', one) for one in value)}</{key}>"
    if isinstance(value, dict):
        return f"<{key}>{''.join(element(name, one) for name, one in value.items())}</{key}>"
    return f"<{key}>{escape(UNWRITABLE.sub('', str(value)))}</{key}>"


def html(status: int, words: str) -> Answer:
    """What a machine in front of the vendor says."""
    page = f"<html><head><title>{words}</title></head><body><h1>{words}</h1></body></html>"
    return Answer(status, page.encode(), {"content-type": "text/html;charset=UTF-8"})
