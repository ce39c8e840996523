"""What a person has decided of a record's question: who discards a question has answered it, for exactly what it said (decision 70).

The answer is kept with what is known of the target record, as a hash of the words that were shown. The same words are no question any more;
another amount, or one more line, has other words and is asked about.
"""

from __future__ import annotations

from common.contracts.ids import derived_id

DECIDED = "decided"
"""Under which name a target record's memory has them."""


def decision_of(code: str, message: str) -> str:
    """The mark of a decision about this."""
    return derived_id(code, message)
