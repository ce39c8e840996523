"""What the console says when a request goes wrong for no reason of its own."""

from __future__ import annotations

from common.api.problems import Words
from console import codes

WORDS = Words(codes.API_REQUEST_INVALID, codes.API_NOT_THERE, codes.API_FAULT, codes.API_AWAY)
