"""The pages a person's browser sees: what happened, and what to do next. No script, no picture, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment
from starlette.responses import HTMLResponse

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem;color-scheme:light dark}"
    "h1{font-size:1.4rem}p.next{font-weight:600}footer{margin-top:3rem;font-size:.85rem;opacity:.7}"
)
_POLICY = (
    "default-src 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} - Millrace</title>
<style>{{ style | safe }}</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
<p role="status">{{ message }}</p>
{% if next %}<p class="next">{{ next }}</p>
{% endif %}
</main>
<footer>Millrace{% if code %} &middot; {{ code }}{% endif %}</footer>
</body>
</html>
"""
)
HEADERS = {
    "content-security-policy": _POLICY,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def page(status: int, title: str, message: str, next_step: str = "", code: str = "") -> HTMLResponse:
    """One page."""
    html = _PAGE.render(style=_STYLE, title=title, message=message, next=next_step, code=code)
    return HTMLResponse(html, status, HEADERS)
