"""A target record is its account's, whichever connection leads there: leases, ownership and knowledge are shared by all of them."""

from datetime import timedelta

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId
from common.state.configuration import ConfigurationReader
from common.state.pool import connection as borrowed
from tests.integration.writing.test_consent import hear, told
from tests.support.members import known_of
from tests.support.writing import LIST, World
from vendors import mailchimp, zoho_books
from vendors.vendor import connection_of
from writing.lease_renewer import LEASE
from writing.queue import LIVE, Queue, Turn


async def two_ways(world: World) -> None:
    """Two connections to one account, with a sync each into the same audience."""
    for name in ("one", "two"):
        await world.connect(name, mailchimp.VENDOR, account_id="8d3a3db4d97663a9074efcc16")
        await world.join(f"by-{name}", target=name)


class TestAccount:
    def test_is_the_vendors_own_once_it_is_learnt(self) -> None:
        learnt = connection_of(mailchimp.VENDOR.name, "c1", account_id="8d3a")
        assert mailchimp.VENDOR.account(learnt) == "mailchimp:8d3a"
        assert (
            zoho_books.VENDOR.account(connection_of(zoho_books.VENDOR.name, "c2", organization_id="7"))
            == "zoho-books:7"
        )

    def test_is_the_connection_itself_until_then(self) -> None:
        assert mailchimp.VENDOR.account(connection_of(mailchimp.VENDOR.name, "c1", dc="us6")) == "c1"


class TestTwoConnectionsToOneAccount:
    async def test_lease_the_same_key(self, world: World) -> None:
        await two_ways(world)
        await world.want("1", "ana@ex.org", sync="by-one", target="one")
        await world.want("2", "ana@ex.org", sync="by-two", target="two")
        taken = [await self._claim(world, name) for name in ("one", "two")]
        assert taken == [["1"], []]
        (lease,) = await world.rows("select * from flow.target_lease")
        assert (lease["account"], lease["target_entity"]) == ("mailchimp:8d3a3db4d97663a9074efcc16", "member")

    async def test_have_one_writer_of_a_member_they_share(self, world: World) -> None:
        await two_ways(world)
        await world.want("1", "ana@ex.org", sync="by-one", target="one", FNAME="One")
        await world.want("2", "ana@ex.org", sync="by-two", target="two", FNAME="Two")
        await world.settled()
        assert (await world.item("2", "by-two"))["reason"] == "shares_target"
        assert world.member("ana@ex.org")["merge_fields"]["FNAME"] == "One"

    async def test_archive_only_what_the_other_does_not_own(self, world: World) -> None:
        await two_ways(world)
        for name in ("one", "two"):
            await world.want("1", "ana@ex.org", sync=f"by-{name}", target=name)
        await world.settled()
        await world.want("1", how="archive", sync="by-one", target="one")
        await world.settled()
        assert world.status("ana@ex.org") == "subscribed"
        await world.want("1", how="archive", sync="by-two", target="two")
        await world.settled()
        assert world.status("ana@ex.org") == "archived"

    async def test_know_what_the_other_was_told(self, world: World) -> None:
        await two_ways(world)
        await world.want("1", "old@ex.org", sync="by-one", target="one")
        await world.settled()
        world.person("unsubscribe", "old@ex.org")
        later = world.clock.now() + timedelta(seconds=1)
        await hear(world, told(world, "old@ex.org", connection="one", at=later, status="unsubscribed"))
        row = known_of(*await world.rows("select * from flow.target_record where key = 'old@ex.org'"))
        assert (row["account"], row["standing"]) == ("mailchimp:8d3a3db4d97663a9074efcc16", "unsubscribed")
        calls = len(world.calls())
        await world.want("1", "old@ex.org", sync="by-two", target="two")
        await world.settled()
        assert len(world.calls()) == calls, "the other connection knew the member already"

    async def _claim(self, world: World, name: str) -> list[str]:
        queue = Queue(world.pool, world.clock, world.vendor.targets, LEASE)
        async with borrowed(world.pool) as link:
            configuration = await ConfigurationReader().read(link)
        one: Connection = configuration.connections[ConnectionId(name)]
        due = next(due for due in await queue.due(configuration) if due.connection == name)
        return [row.item.key.record for row in await queue.claim(one, due, Turn(LIVE, 10))]


class TestAnAccountThatIsLearntLater:
    async def test_takes_everything_over(self, world: World) -> None:
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        await self._learn(world, "chimp")
        for table in ("target_owner", "target_record", "pair", "write_intent"):
            account = "right_account as account" if table == "pair" else "account"
            rows = await world.rows(f"select distinct {account} from flow.{table}")
            assert [row["account"] for row in rows] == ["mailchimp:8d3a"], table
        calls = len(world.calls())
        await world.want("1", "ana@ex.org", FNAME="Ana")
        await world.settled()
        assert (len(world.calls()), (await world.item("1"))["outcome"]) == (calls, "unchanged")

    async def test_puts_two_worlds_together(self, world: World) -> None:
        await world.connect("other", mailchimp.VENDOR, account_id="8d3a")
        await world.join("by-other", target="other")
        await world.want("1", "ana@ex.org", tags=["a"])
        await world.settled()
        await world.want("2", "ana@ex.org", sync="by-other", target="other", tags=["b"])
        await world.settled()
        await self._learn(world, "chimp")
        row = known_of(*await world.rows("select * from flow.target_record"))
        assert (row["doubtful"], row["ours"]) == (True, ["a", "b"])
        owners = await world.rows("select sync, standing from flow.target_owner order by sync")
        assert [tuple(one) for one in owners] == [("by-other", "live"), ("s1", "live")]

    async def test_moves_what_is_owned_of_a_source_too(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await self._learn(world, "books", "zoho-books:7")
        (row,) = await world.rows("select * from flow.target_owner")
        assert (row["source_account"], row["account"], row["place"]) == ("zoho-books:7", "chimp", LIST)

    async def test_is_never_taken_for_another_ones(self, world: World) -> None:
        await world.want("1", "ana@ex.org")
        await world.settled()
        await self._learn(world, "chimp")
        await self._learn(world, "chimp", "mailchimp:other")
        (row,) = await world.rows("select account from flow.target_record")
        assert row["account"] == "mailchimp:8d3a"

    async def _learn(self, world: World, name: str, account: str = "mailchimp:8d3a") -> None:
        await world.execute("update core.connection set account = $2 where id = $1", name, account)
