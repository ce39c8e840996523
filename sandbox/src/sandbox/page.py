"""The page at `/_sandbox/`: accounts, use against the limits, the last calls and deliveries. It reloads itself."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, select_autoescape

from sandbox.calls import CallLog
from sandbox.core import Core
from sandbox.registry import Vendors
from sandbox.simulator import Answer

SHOWN = 20
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"


class Page:
    """One server-rendered page with nothing to load from elsewhere."""

    def __init__(self, core: Core, vendors: Vendors, log: CallLog) -> None:
        self._core, self._vendors, self._log = core, vendors, log
        self._template = Environment(
            loader=PackageLoader("sandbox", "templates"), autoescape=select_autoescape(), trim_blocks=True
        ).get_template("page.html")

    def answer(self, base: str) -> Answer:
        now = self._core.clock.now()
        meters = [(simulator.vendor, row) for simulator in self._vendors.all for row in simulator.meters(now)]
        shown = self._template.render(
            base=base,
            now=now.strftime("%Y-%m-%d %H:%M:%S UTC"),
            offset_s=round(self._core.clock.offset_s),
            accounts=[row for simulator in self._vendors.all for row in simulator.accounts()],
            meters=[(vendor, row) for vendor, row in meters if row.used or row.account == "demo"],
            counts=self._log.counts(),
            calls=self._log.last(SHOWN),
            deliveries=self._core.deliveries.last(SHOWN),
            pending=self._core.deliveries.pending(),
            faults=self._core.faults.rows(),
        )
        headers = {"content-type": "text/html;charset=UTF-8", "content-security-policy": POLICY, "refresh": "2"}
        return Answer(200, shown.encode(), headers)
