"""What a token's scopes allow."""

from __future__ import annotations

from collections.abc import Iterable

SERVICE = "ZohoCRM"
WRITES = frozenset({"CREATE", "UPDATE", "DELETE"})


def allows(scopes: Iterable[str], needed: str) -> bool:
    """Whether the scopes cover one like `modules.contacts.READ`: by operation, by module, by group; case aside."""
    group, _, rest = needed.partition(".")
    operation = needed.rpartition(".")[2]
    module = rest.rpartition(".")[0]
    places = [f"{group}.{module}" if module else group, group]
    operations = ["ALL", operation, *(["WRITE"] if operation in WRITES else [])]
    wider = {f"{SERVICE}.{place}.{one}".lower() for place in places for one in operations}
    return not wider.isdisjoint(scope.lower() for scope in scopes)
