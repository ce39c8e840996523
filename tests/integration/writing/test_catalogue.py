"""What an audience has, and fields that a mapping asks for, against the sandbox."""

import pytest

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, VendorName
from common.failures import Rejected
from common.http.call import Api
from tests.support.writing import LIST, STRICT, World
from vendors import mailchimp
from vendors.catalogue import AskedField

MEMBERS = mailchimp.VENDOR.targets[mailchimp.MEMBER]
CHIMP = Connection(ConnectionId("chimp"), VendorName("mailchimp"), "chimp", "active", {"dc": "us6", "login_id": "1"})


class TestCatalogue:
    async def test_names_fields_types_and_what_is_required(self, world: World) -> None:
        door = world.door()
        api: Api = door.open(world.vendor.profile, CHIMP)
        found = await MEMBERS.catalogue(CHIMP, STRICT, api)
        await door.aclose()
        known = {field.path: (field.type, field.required) for field in found.fields}
        assert known["merge.CUSTNO"] == ("text", True)
        assert known["merge.ADDRESS"] == ("address", False)
        assert known["email"] == ("email", True)
        assert known["tags"][0] == "tags"
        address = found.get("merge.ADDRESS")
        assert address is not None
        assert address.parts == ("street", "city", "state", "zip")

    async def test_names_the_audiences_and_how_they_confirm(self, world: World) -> None:
        door = world.door()
        places = await MEMBERS.places(CHIMP, door.open(world.vendor.profile, CHIMP))
        await door.aclose()
        assert {place.id: place.details["double_optin"] for place in places} == {LIST: "no", STRICT: "yes"}

    async def test_an_audience_that_is_gone_is_said_as_that(self, world: World) -> None:
        door = world.door()
        with pytest.raises(Rejected) as caught:
            await MEMBERS.catalogue(CHIMP, "0000000000", door.open(world.vendor.profile, CHIMP))
        await door.aclose()
        assert caught.value.code == "MC_AUDIENCE_GONE"


class TestCreateFields:
    async def test_are_made_once_with_type_and_label_though_answers_are_lost(self, world: World) -> None:
        asked = [AskedField("merge.SHIPPING", "address", "Shipping Address"), AskedField("merge.BERTH", "text")]
        world.fault("reset_after", "POST /lists/{list_id}/merge-fields", count=1)
        door = world.door()
        api = door.open(world.vendor.profile, CHIMP)
        for _ in range(2):
            made = await MEMBERS.create_fields(CHIMP, LIST, asked, api)
            shown = [made.catalogue.get(one.path) for one in asked]
            assert [(one.type, one.label) for one in shown if one] == [
                ("address", "Shipping Address"),
                ("text", "Berth"),
            ]
            assert not made.refused and made.catalogue == await MEMBERS.catalogue(CHIMP, LIST, api)
        await door.aclose()
        assert world.writes() == ["POST /lists/{list_id}/merge-fields"] * 2

    @pytest.mark.parametrize(
        ("path", "type"),
        [("merge.COMPANY_SIZE", "text"), ("merge.lower", "text"), ("merge.EMAIL", "text"), ("merge.A B", "text"), ("tags", "text"), ("merge.OK", "colour"), ("merge.FNAME", "address"), ("merge.FINE", "date")],
    )  # fmt: skip
    async def test_what_the_vendor_would_cut_or_refuse_is_refused_before_and_nothing_is_made(
        self, world: World, path: str, type: str
    ) -> None:
        door = world.door()
        asked = [AskedField("merge.FINE", "text"), AskedField(path, type)]
        made = await MEMBERS.create_fields(CHIMP, LIST, asked, door.open(world.vendor.profile, CHIMP))
        await door.aclose()
        assert {path: refusal.code for path, refusal in made.refused.items()} == {path: "MC_FIELD_REFUSED"}
        assert world.writes() == []
