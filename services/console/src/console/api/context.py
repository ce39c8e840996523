"""What the routes of the API speak to, and how a caller is recognised in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastapi import Request

from common.state.upkeep import LastRun
from console.api.access import TokenFile
from console.api.once import Once
from console.broker import Broker
from console.notifying import Notifying
from console.use_cases.activities import Activities
from console.use_cases.app_channels import AppChannels
from console.use_cases.applying import Applying
from console.use_cases.asked_runs import AskedRuns
from console.use_cases.bulk_reviews import BulkReviews
from console.use_cases.channels import ShownChannels
from console.use_cases.connecting import Connecting
from console.use_cases.connections import Connections
from console.use_cases.gates import Gates
from console.use_cases.groups import Groups
from console.use_cases.kinds import Kinds
from console.use_cases.letters import Letters
from console.use_cases.links import Links
from console.use_cases.missing import Missing
from console.use_cases.previews import Previews
from console.use_cases.privacy import PrivacyRequests
from console.use_cases.questions import Questions
from console.use_cases.quotas import Quotas
from console.use_cases.reconciling import AskedReconciliations
from console.use_cases.records import Records
from console.use_cases.removal import Removal
from console.use_cases.reviews import Reviews
from console.use_cases.runs import Runs
from console.use_cases.syncs import Syncs
from console.use_cases.trials import Trials

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The parts of the console, built by `main`."""

    token: TokenFile
    once: Once
    broker: Broker
    connections: Connections
    connecting: Connecting
    trials: Trials
    kinds: Kinds
    gates: Gates
    quotas: Quotas
    removal: Removal
    syncs: Syncs
    applying: Applying
    previews: Previews
    channels: ShownChannels
    app_channels: AppChannels
    runs: Runs
    asked_runs: AskedRuns
    missing: Missing
    reconciliations: AskedReconciliations
    records: Records
    activities: Activities
    links: Links
    questions: Questions
    reviews: Reviews
    bulk_reviews: BulkReviews
    letters: Letters
    groups: Groups
    telling: Notifying
    privacy: PrivacyRequests
    last_runs: Callable[[], Awaitable[Sequence[LastRun]]]


def admitted(request: Request, context: ApiContext) -> None:
    """Lets the request in, or raises a Refusal."""
    context.token.admit(request.headers.get("authorization", ""))


def actor(request: Request) -> str:
    """Who says to be asking: everybody shows the same token, so this is for people to read and decides nothing."""
    given = request.headers.get("millrace-actor", "")
    return given if given and given.isprintable() and len(given) <= _LONGEST_NAME else "api"
