"""What is counted of a company's calls, and what of them costs."""

from __future__ import annotations

from common.http.call import Call
from common.http.profile import Limit
from vendors import quickbooks
from vendors.vendor import connection_of


def qbo_limits(call: Call | None = None, **details: str) -> dict[str, Limit]:
    connection = connection_of(quickbooks.NAME, "c", realm_id="9130", **details)
    return {limit.name: limit for limit in quickbooks.VENDOR.profile.limits(connection, call)}


class TestQuickBooks:
    def test_reads_are_metered_by_the_month_of_the_application_and_of_the_company(self) -> None:
        limits = qbo_limits(Call("GET", "/query", "customers.list"))
        reads, here = limits["reads"], limits["company_reads"]
        assert (reads.shape, reads.count, reads.weight, reads.key) == (
            "monthly", 500_000, 1, "quickbooks:application",
        )  # fmt: skip
        assert (here.shape, here.count, here.key) == ("monthly", 500_000, "quickbooks:9130")
        assert reads.kept > 0

    def test_writes_are_free_and_queries_of_a_batch_are_not(self) -> None:
        def batch(*items: object) -> Call:
            return Call("POST", "/batch", "batch", json={"BatchItemRequest": list(items)}, writes=True)

        assert "reads" not in qbo_limits(Call("POST", "/customer", "customer.write", json={}, writes=True))
        written = qbo_limits(batch({"bId": "1", "operation": "update", "Customer": {}}))
        assert "reads" not in written and "batches" in written
        assert qbo_limits(batch({"bId": "1", "Query": "x"}, {"bId": "2", "Query": "x"}))["reads"].weight == 2

    def test_a_larger_tier_and_a_company_s_part_of_it_are_told_by_the_connection(self) -> None:
        limits = qbo_limits(reads_per_month="1000000", company_reads_per_month="2000")
        assert (limits["reads"].count, limits["company_reads"].count) == (1_000_000, 2_000)
        assert qbo_limits(reads_per_month="many")["reads"].count == 500_000

    def test_nothing_is_metered_in_the_vendor_s_own_sandbox(self) -> None:
        assert "reads" not in qbo_limits(environment="sandbox")
