"""A writer service serves as many vendors as its `main.py` names: each has topics, groups and a worker of its own."""

from pathlib import Path

from common.contracts.topics import commands
from tests.support.database import Database
from tests.support.groups import from_now_on, of_writer
from tests.support.local_stack import LocalStack
from tests.support.two_vendor_writer import OTHER
from tests.support.writer_service import WriterService, broker, publish
from tests.support.writing import World

BOTH = [*of_writer("mailchimp"), *of_writer(OTHER.name)]


class TestTwoVendors:
    async def test_each_has_its_commands_brought_to_its_own_connection(
        self, world: World, database: Database, stack: LocalStack, tmp_path: Path
    ) -> None:
        await world.connect("other", OTHER, dc="us6")
        await world.join("s3", target="other")
        await from_now_on(stack.kafka, BOTH)
        with broker(world.account["api_key"]) as url:
            service = WriterService(stack, database, world.sandbox, url, tmp_path, "tests.support.two_vendor_writer")
            try:
                service.start()
                ready = service.until_ready()
                one = world.command("1", "ana@ex.org")
                other = world.command("1", "bo@ex.org", sync="s3", target="other")
                await publish(stack.kafka, commands("mailchimp"), [one])
                await publish(stack.kafka, commands(OTHER.name), [other])
                await world.until(lambda: both_are_done(world), "both commands are brought to their end", 30)
            finally:
                service.kill_all()
        assert {topic.name for _, topic in BOTH} <= set(ready["checks"])
        assert [world.status(email) for email in ("ana@ex.org", "bo@ex.org")] == ["subscribed"] * 2


async def both_are_done(world: World) -> bool:
    rows = await world.rows("select connection from flow.work_item where state = 'done' order by connection")
    return [row["connection"] for row in rows] == ["chimp", "other"]
