"""Everything an account stores, as plain JSON for checkers."""

from __future__ import annotations

from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.record import Tombstone
from sandbox.zoho_crm.refusals import Document
from sandbox.zoho_crm.switches import Switches
from sandbox.zoho_crm.views import shown
from sandbox.zoho_crm.wire import plain


def whole_state(org: Organisation, switches: Switches) -> Document:
    """Records as the API shows them, what was deleted, channels with their tokens."""
    return {
        "organization_id": org.id, "name": org.name, "dc": org.dc, "time_zone": org.time_zone, "edition": switches.edition,
        "native_sync": org.native_sync,
        "users": [{"id": one.id, "zuid": one.zuid, "email": one.email, "name": one.name} for one in org.users],
        "custom_fields": {
            name: [one.document() for one in module.fields.values() if one.custom]
            for name, module in org.modules.items() if any(one.custom for one in module.fields.values())
        },
        "modules": [module.document() for module in org.modules.values()],
        "records": {
            name: [plain(shown(org, org.modules[name], record)) for record in shelf] for name, shelf in org.shelves.items()
        },
        "deleted": {name: [_gone(org, one) for one in shelf.gone] for name, shelf in org.shelves.items() if shelf.gone},
        "channels": [
            {
                "channel_id": one.id, "events": [f"{event.module}.{event.operation}" for event in one.events],
                "notify_url": one.notify_url, "token": one.token, "channel_expiry": org.stamp(one.expires),
            }
            for one in org.channels.values()
        ],
        "bulk_jobs": [{"id": job.id, "module": job.module, "state": job.state} for job in org.jobs.values()],
    }  # fmt: skip


def _gone(org: Organisation, one: Tombstone) -> Document:
    return {"id": one.id, "type": one.type, "display_name": one.name, "deleted_time": org.stamp(one.at)}
