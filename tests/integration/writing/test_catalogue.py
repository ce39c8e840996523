"""What an audience has, and fields that a mapping asks for, against the sandbox."""

import pytest

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, VendorName
from common.failures import Rejected
from common.http.call import Api
from tests.support.writing import LIST, STRICT, World
from vendors import mailchimp

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


class TestCreateField:
    async def test_is_made_once_with_its_type_and_label(self, world: World) -> None:
        door = world.door()
        api = door.open(world.vendor.profile, CHIMP)
        for _ in range(2):
            field = await MEMBERS.create_field(CHIMP, LIST, "merge.SHIPPING", "address", api, "Shipping Address")
            assert (field.path, field.type, field.label) == ("merge.SHIPPING", "address", "Shipping Address")
        await door.aclose()
        assert world.writes() == ["POST /lists/{list_id}/merge-fields"]

    @pytest.mark.parametrize(
        ("path", "type"),
        [("merge.COMPANY_SIZE", "text"), ("merge.lower", "text"), ("merge.EMAIL", "text"), ("merge.A B", "text"), ("tags", "text"), ("merge.OK", "colour"), ("merge.FNAME", "address")],
    )  # fmt: skip
    async def test_what_the_vendor_would_cut_or_refuse_is_refused_before(
        self, world: World, path: str, type: str
    ) -> None:
        door = world.door()
        with pytest.raises(Rejected) as caught:
            await MEMBERS.create_field(CHIMP, LIST, path, type, door.open(world.vendor.profile, CHIMP))
        await door.aclose()
        assert caught.value.code == "MC_FIELD_REFUSED"
        assert world.writes() == []
