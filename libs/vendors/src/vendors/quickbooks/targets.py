"""Everything that is written to QuickBooks, by our name of it: what is known of a customer's activity, and nothing of its own."""

from __future__ import annotations

from collections.abc import Mapping

from common.contracts.ids import Entity
from vendors.quickbooks.activity_notes import ActivityNoteTarget
from vendors.quickbooks.notes import NotesTarget
from vendors.target import Target

CUSTOMER_NOTE, ACTIVITY_NOTE = Entity("customer_note"), Entity("activity_note")
TARGETS: Mapping[Entity, Target] = {CUSTOMER_NOTE: NotesTarget(), ACTIVITY_NOTE: ActivityNoteTarget()}
