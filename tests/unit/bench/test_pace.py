"""How long customers take, by what the sandbox has sent and taken."""

from hashlib import md5

from bench.pace import goals, latencies_ms, percentiles


def made(address: str, at_ms: float) -> dict[str, object]:
    id = md5(address.encode(), usedforsecurity=False).hexdigest()
    return {"mono_ns": int(at_ms * 1e6), "applied": [{"kind": "member", "op": "create", "id": id}]}


def told(address: str, at_ms: float, status: int = 200) -> dict[str, object]:
    return {"body": f'{{"email": "{address}"}}', "status": status, "sent_mono_ns": int(at_ms * 1e6)}


class TestPace:
    def test_counts_from_the_first_webhook_that_was_taken(self) -> None:
        one, other = "c1@burst.example", "c2@burst.example"
        deliveries = [told(one, 5, 503), told(one, 10), told(other, 11), told(one, 20)]
        calls = [made(one, 40), made(other, 61)]
        assert latencies_ms(deliveries, calls, [one, other, "c3@burst.example"]) == [30.0, 50.0]

    def test_the_hundredth_part_is_slower(self) -> None:
        assert percentiles(range(100)) == {"p50": 50, "p99": 99}
        assert percentiles([7.0]) == {"p50": 7.0, "p99": 7.0}

    def test_one_alone_and_fifty_a_second_have_goals(self) -> None:
        bounds = {goal.name: goal.at_most for goal in goals([1.0, 50.0])}
        assert bounds == {
            "1 a second: p50 ms": 25.0,
            "1 a second: p99 ms": 60.0,
            "50 a second: p50 ms": None,
            "50 a second: p99 ms": 150.0,
        }
