"""Errors: problem documents, provoked errors, methods, and requests that make no sense."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.mailchimp.problems import TRIGGERED
from tests.contract.sandbox.mailchimp.vendor import Vendor, hash_of

WHO = "ada@shop.example"
ROUTES = [
    ("PUT", "/lists/{list}/members/{hash}"),
    ("PATCH", "/lists/{list}/members/{hash}"),
    ("POST", "/lists/{list}/members"),
    ("POST", "/lists/{list}"),
    ("PATCH", "/lists/{list}"),
    ("POST", "/lists"),
    ("POST", "/lists/{list}/members/{hash}/tags"),
    ("POST", "/lists/{list}/members/{hash}/notes"),
    ("POST", "/lists/{list}/members/{hash}/events"),
    ("POST", "/lists/{list}/merge-fields"),
    ("PATCH", "/lists/{list}/merge-fields/1"),
    ("POST", "/lists/{list}/segments"),
    ("POST", "/lists/{list}/webhooks"),
    ("POST", "/batches"),
    ("POST", "/batch-webhooks"),
    ("POST", "/ecommerce/stores"),
]
NAMES = [
    "email_address",
    "status",
    "status_if_new",
    "merge_fields",
    "tags",
    "members",
    "name",
    "type",
    "tag",
    "options",
    "choices",
    "location",
    "latitude",
    "timestamp_opt",
    "vip",
    "note",
    "properties",
    "occurred_at",
    "operations",
    "method",
    "path",
    "body",
    "params",
    "static_segment",
    "url",
    "events",
    "sources",
    "contact",
    "campaign_defaults",
    "update_existing",
    "FNAME",
    "ADDRESS",
    "addr1",
    "id",
    "list_id",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([WHO, "subscribed", "2026-01-01", "text", "POST", "x" * 3000])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner),
    max_leaves=12,
)


class TestProblems:
    def test_have_the_shape_of_a_problem_document(self, vendor: Vendor) -> None:
        problem = vendor.refused(404, "GET", "/lists/nowhere")
        assert set(problem) == {"type", "title", "status", "detail", "instance"}
        assert len(str(problem["instance"])) == 36

    @pytest.mark.parametrize("name", sorted(TRIGGERED))
    def test_can_be_provoked(self, vendor: Vendor, name: str) -> None:
        answer = vendor.http.get("/ping", headers={"X-Trigger-Error": name})
        assert (answer.status_code, answer.json()["title"]) == (TRIGGERED[name].status, TRIGGERED[name].title)

    def test_a_provoked_error_changes_nothing(self, vendor: Vendor) -> None:
        body = {"email_address": WHO, "status_if_new": "subscribed"}
        headers = {"X-Trigger-Error": "InternalServerError"}
        assert vendor.http.put(vendor.member_path(WHO), json=body, headers=headers).status_code == 500
        vendor.refused(404, "GET", vendor.member_path(WHO))

    def test_of_json(self, vendor: Vendor) -> None:
        answer = vendor.http.put(vendor.member_path(WHO), content=b"{not json")
        assert (answer.status_code, answer.json()["title"]) == (400, "JSON Parse Exception")

    def test_of_methods(self, vendor: Vendor) -> None:
        vendor.refused(405, "DELETE", "/ping")
        vendor.refused(404, "GET", "/nothing")
        vendor.refused(414, "GET", "/a" * 20)

    def test_of_method_override(self, vendor: Vendor) -> None:
        header = {"X-HTTP-Method-Override": "PATCH"}
        vendor.add(WHO)
        answer = vendor.http.post(vendor.member_path(WHO), json={"status": "unsubscribed"}, headers=header)
        assert answer.json()["status"] == "unsubscribed"
        assert vendor.http.get("/ping", headers=header).status_code == 422


class TestNonsense:
    @pytest.mark.parametrize(("method", "template"), ROUTES, ids=[" ".join(route) for route in ROUTES])
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(body=JSON)
    def test_is_never_a_500(self, vendor: Vendor, method: str, template: str, body: object) -> None:
        path = template.format(list=vendor.plain, hash=hash_of(WHO))
        if not isinstance(body, dict) or len(body) < 2:
            vendor.add(WHO)
        answer = vendor.http.request(method, path, content=json.dumps(body).encode())
        assert answer.status_code in (200, 204, 400, 404, 405), answer.text
        if answer.status_code >= 400:
            assert answer.json()["title"]

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 100_000, b'"' + b"x" * 5_000_000 + b'"', b"NaN", b"1e999"])
    def test_in_bytes_is_refused(self, vendor: Vendor, content: bytes) -> None:
        answer = vendor.http.put(vendor.member_path(WHO), content=content)
        assert answer.status_code == 400

    @pytest.mark.parametrize("key", ["%00", "%FF", "..", "a" * 5000, "%2F%2F", "{}", "٣"])
    def test_in_paths_is_a_404(self, vendor: Vendor, key: str) -> None:
        for path in (
            f"/lists/{key}/members",
            f"/lists/{vendor.plain}/members/{key}",
            f"/lists/{vendor.plain}/segments/{key}",
        ):
            with httpx.Client(auth=("x", vendor.key), verify=False, trust_env=False) as client:
                answer = client.get(httpx.URL(vendor.api + path))
            assert answer.status_code in (404, 200 if key == ".." else 404), answer.text
