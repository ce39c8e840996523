"""How long what was sent is needed: nothing that is still asked for may be taken away by night."""

from datetime import timedelta

from common.retention import Retention
from vendors.registry import VENDORS
from writing import audit, audits, intents


def test_the_echo_of_a_write_is_known_however_late_the_write_was_carried_out() -> None:
    for vendor in VENDORS.values():
        for target in vendor.targets.values():
            longest = target.deferred.longest if target.deferred else timedelta()
            assert longest + vendor.profile.horizon <= intents.WRITE_TAKES


def test_intents_are_kept_as_long_as_echoes_late_answers_and_late_looks_need_them() -> None:
    pauses = [min(audit.FIRST_PAUSE * 2**n, audit.LONGEST_PAUSE) for n in range(audit.LOOKS)]
    assert intents.NEEDED_FOR >= intents.ECHO_WITHIN + intents.WRITE_TAKES
    assert audits.AFTER + sum(pauses, timedelta()) <= intents.NEEDED_FOR
    least = next(limit.ge for limit in Retention.model_fields["intent_days"].metadata if hasattr(limit, "ge"))
    assert timedelta(days=least) >= intents.NEEDED_FOR
