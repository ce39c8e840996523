"""R1 to R26: the line that keeps each, what takes it away, and the narrowest test that then turns red."""

from __future__ import annotations

from dataclasses import dataclass

WRITING = "libs/writing/src/writing"
MAPPER = "services/mapper/src/mapper"
BOOKS = "libs/vendors/src/vendors/zoho_books"
LISTS = "tests/contract/vendors/zoho_books/test_source.py::TestZohoBooksSource"
MAILCHIMP = "libs/vendors/src/vendors/mailchimp"
RULES = "tests/integration/writing/test_rules.py"
SHARING = "tests/integration/writing/test_sharing.py"
NEEDS, ONCE = "tests/integration/ledger/test_needs.py::TestNeeds", "tests/integration/ledger/test_once.py"
RENDERED, BLOCK = "tests/integration/ledger/test_rendered.py::TestNote", "tests/unit/vendors/test_block.py::TestRender"
PAIRS, SMALLEST = "libs/common/src/common/pairs", "tests/unit/pairs/test_rules.py::TestRules"
BOTH = "tests/integration/ledger/test_both.py"
BORN = "tests/integration/ledger/test_both_born.py"


@dataclass(frozen=True)
class Kept:
    """One line that keeps a rule; it stands exactly once in its file."""

    rule: str
    file: str
    line: str
    without: str
    test: str
    named_in: str = ""
    """The file that names the rule, where it is another."""

    @property
    def module(self) -> str:
        return self.file.partition("/src/")[2].removesuffix(".py").replace("/", ".")


TABLE = (
    Kept(
        "R1", f"{WRITING}/work_items.py", "state = case when w.state in ('leased', 'hold') then w.state else 'ready' end,", "state = 'ready',",
        f"{RULES}::TestR1::test_an_upsert_leaves_state_and_lease_of_a_leased_row_alone",
    ),
    Kept(
        "R2", f"{WRITING}/results.py", 'return "unknown" if verdict.kind is FailureClass.UNKNOWN else "refused"', 'return "refused"',
        f"{RULES}::TestR2::test_an_outcome_that_nobody_saw_is_held_until_the_horizon_and_settled_by_one_look",
    ),
    Kept(
        "R3", f"{WRITING}/work_items.py", " and v.token = k.token", "",
        "tests/integration/writing/test_taken_over.py::TestTakenOver::test_before_its_intent_is_not_sent",
    ),
    Kept(
        "R3", f"{WRITING}/caller.py", "if not self._lease.holds:", "if False:",
        "tests/chaos/rules/test_last_look.py::TestLastLook::test_nothing_leaves_after_the_lease_is_over",
    ),
    Kept(
        "R4", f"{WRITING}/judging.py", "result.audits[row.target(act.key)] = row.item.key", "pass",
        f"{RULES}::TestR4::test_an_audit_that_finds_nothing_costs_one_look",
    ),
    Kept(
        "R5", f"{WRITING}/results.py", "facts, locked[row.item.key])",
        "facts, min(locked.values(), key=lambda one: one.token == row.item.token))",
        f"{RULES}::TestR5::test_a_row_whose_lease_is_gone_leaves_its_neighbours_results",
    ),
    Kept(
        "R6", f"{MAILCHIMP}/target.py", 'updates=action != "create"', "updates=True",
        "tests/integration/writing/test_consent.py::TestWrites::test_whoever_left_before_we_came_is_found_out_and_stays_out",
        named_in=f"{MAILCHIMP}/planning.py",
    ),
    Kept(
        "R7", f"{WRITING}/newest.py", "key=lambda one: one.message.revision, reverse=True)", "key=lambda one: one.record.offset)",
        f"{RULES}::TestR7::test_a_batch_in_any_order_ends_with_the_highest",
    ),
    Kept(
        "R8", f"{WRITING}/work_items.py", "or (excluded.revision = w.revision and w.state in ('dead', 'parked', 'done'))", "",
        f"{RULES}::TestR8::test_an_equal_revision_opens_a_dead_row",
    ),
    Kept(
        "R9", f"{MAPPER}/judging.py", "return not _same(before, wish, whole)", "return True",
        "tests/integration/mapper/test_handlers.py::TestChangeHandler::test_a_change_of_what_no_row_maps_is_no_command",
    ),
    Kept(
        "R10", f"{MAPPER}/state.py", 'if sequence > versions.get(name, ""):', "if True:",
        "tests/unit/mapper/test_state.py::TestMerge::test_an_older_change_is_stale",
    ),
    Kept(
        "R11", f"{BOOKS}/listing.py", "until = min(self._newest, self._bound) if self._newest else None", "until = self._newest",
        f"{LISTS}::test_what_is_still_changing_is_told_again_until_it_is_settled[customer]",
    ),
    Kept(
        "R12", f"{MAPPER}/state.py", 'if change.via != "read":', "if False:",
        "tests/unit/mapper/test_state.py::TestDeletion::test_what_comes_late_does_not_revive_but_asks",
    ),
    Kept(
        "R13", f"{WRITING}/owners.py", "is_writer=all(", "is_writer=True or all(",
        f"{SHARING}::TestR13::test_the_smallest_writes_and_the_others_are_skipped",
    ),
    Kept(
        "R14", f"{WRITING}/claimed.py", "tuple(one for one in own.former if one in own.alone)", "()",
        f"{SHARING}::TestR14::test_a_new_address_is_a_new_member_and_the_old_one_is_archived",
    ),
    Kept(
        "R15", f"{MAILCHIMP}/knowledge.py", "seen=shown.seen, doubtful=False", "seen=shown.seen, agreed=shown.seen, doubtful=False",
        "tests/unit/vendors/mailchimp/test_knowledge.py::TestWhatIsAgreed::test_is_not_changed_by_a_look",
    ),
    Kept(
        "R15", f"{PAIRS}/merging.py", 'current.own != self.agreed[side == "right"]', "current.own != self.agreed[0]",
        f"{SMALLEST}::test_r15_what_a_side_has_made_of_a_write_is_no_edit_of_its",
    ),
    Kept(
        "R16", f"{PAIRS}/sides.py", "if side.write is not None:", "if False:",
        f"{SMALLEST}::test_r16_what_is_seen_during_a_write_is_not_buried_by_its_answer",
    ),
    Kept(
        "R17", f"{PAIRS}/sides.py", "return replace(_wait(side, seen), doubtful=True)", "return side",
        f"{SMALLEST}::test_r17_another_value_with_the_stamp_of_our_write_asks_for_a_read",
    ),
    Kept(
        "R18", f"{PAIRS}/sides.py", "if not part.restores:", "if False:",
        f"{SMALLEST}::test_r18_a_settled_read_that_names_us_tells_what_a_write_became",
    ),
    Kept(
        "R18", f"{PAIRS}/sides.py", "known = value == part.sent or explains(part.sent, value, part.before)", "known = True",
        f"{SMALLEST}::test_r18_a_field_that_kept_what_it_had_was_not_emptied",
    ),
    Kept(
        "R19", f"{PAIRS}/sides.py", "return replace(side, overwritten={**side.overwritten, name: lost})", "return side",
        f"{SMALLEST}::test_r19_an_edit_that_we_overwrote_unseen_is_judged_against_what_overwrote_it",
    ),
    Kept(
        "R20", f"{PAIRS}/merging.py", "answer is not None and (answer.left, answer.right) == (one.left.own, one.right.own)", "answer is not None",
        f"{SMALLEST}::test_r20_an_answer_holds_for_its_two_values",
    ),
    Kept(
        "R15", f"{MAPPER}/judging.py", "await pairing.judge(tx, states)", "pass",
        f"{BOTH}::TestAPair::test_takes_edits_of_either_side_to_the_other",
    ),
    Kept(
        "R15", f"{WRITING}/pair_results.py", "if not _is_judged(now, side, act, parts):", "if False:",
        "tests/integration/ledger/test_both_unjudged.py::TestACreateThatWasLost::test_waits_for_the_judgement_where_nothing_is_planned",
    ),
    Kept(
        "R21", f"{WRITING}/claimed.py", 'if self.met == "taken":', "if False:",
        f"{BOTH}::TestTwoThatMeet::test_a_second_of_the_same_match_is_nobodys_counterpart",
    ),
    Kept(
        "R21", f"{WRITING}/paired.py", "if not row.whole and item.target_key:", "if False:",
        f"{BORN}::TestWhileACreateIsOpen::test_its_match_is_nobody_elses_on_either_side",
    ),
    Kept(
        "R21", f"{MAPPER}/pairing.py", "self._held |= dict.fromkeys(behind, SkipReason.CREATE_OPEN)", "pass",
        f"{BORN}::TestWhileACreateIsOpen::test_nothing_is_wanted_of_who_is_born_there",
    ),
    Kept(
        "R21", f"{WRITING}/looker.py", "found = {**found, **await self._heard(looks, found, caller)}", "pass",
        f"{BORN}::TestOneThatNoLookFinds::test_is_met_by_what_we_have_heard_of_it",
    ),
    Kept(
        "R22", "libs/common/src/common/state/pair_births.py", "if found.gone == other(side):", "if False:",
        f"{BOTH}::TestOneThatIsGone::test_is_followed_by_a_new_record_with_its_match",
    ),
    Kept(
        "R22", f"{MAPPER}/pairing.py", "if not there and row.state in", "if False and row.state in",
        f"{BOTH}::TestOneThatIsGone::test_is_not_made_again_by_an_edit_of_the_other",
    ),
    Kept(
        "R16", f"{WRITING}/target_events.py", "return bool(acts) and not target.urgent(known, one.parsed, acts)", "return False",
        "tests/integration/writing/test_echoes.py::TestWhileAWriteIsInFlight::test_an_edit_is_kept_and_judged_after_the_answer",
    ),
    Kept(
        "R23", f"{WRITING}/endings.py", "await awaiting.alone(tx, {row.item.account for row, _ in rows})", "pass",
        f"{NEEDS}::test_a_link_that_is_just_being_made_is_not_missed",
    ),
    Kept(
        "R23", f"{WRITING}/consequences.py", "await awaiting.release(tx, made, now)", "pass",
        f"{NEEDS}::test_wait_without_attempts_until_the_parent_is_linked",
    ),
    Kept(
        "R23", f"{WRITING}/claims.py", "{*_keys(targets[item.target_entity], item), *held[item.key].keys}",
        "{item.target_key, *held[item.key].keys} - {''}", f"{ONCE}::TestDocument::test_shares_no_child_with_another_that_is_being_written",
    ),
    Kept(
        "R24", f"{WRITING}/claimed.py", "values=self.first_body if self.first_body is not None else act.values", "values=act.values",
        f"{ONCE}::TestCreate::test_is_repeated_with_its_first_body_and_newer_content_follows",
    ),
    Kept(
        "R24", f"{WRITING}/judging.py", "return sent.answered_at + self._terms.read_lag", "return sent.call.stored_at",
        f"{ONCE}::TestCreate::test_is_not_looked_for_before_a_read_shows_it",
    ),
    Kept(
        "R24", f"{WRITING}/judging.py",
        'again=self._terms.read_lag if brings and self._target.mode == "once" else verdicts.SOON', "again=verdicts.SOON",
        f"{ONCE}::TestCreate::test_of_a_key_that_is_taken_is_not_looked_for_before_a_read_shows_it",
    ),
    Kept(
        "R25", f"{WRITING}/claimed.py", 'if target.mode == "once" and act.key not in self.fresh | self.written:', "if False:",
        f"{ONCE}::TestActs::test_on_a_document_that_was_not_just_written_read_it_first",
    ),
    Kept(
        "R26", f"{WRITING}/claimed.py", 'if target.mode == "rendered" and act.key not in self.fresh:', "if False:",
        f"{RENDERED}::test_is_rendered_into_what_was_just_read",
    ),
    Kept(
        "R26", "libs/vendors/src/vendors/block.py", "ours(text) | {line.id: line for line in store}", "{line.id: line for line in store}",
        f"{BLOCK}::test_keeps_lines_that_the_store_has_forgotten",
    ),
    Kept(
        "R26", "libs/vendors/src/vendors/block.py", "or _parsed(line) is not None", "or True",
        f"{BLOCK}::test_keeps_what_was_typed_inside_the_fence_behind_it",
    ),
)  # fmt: skip
