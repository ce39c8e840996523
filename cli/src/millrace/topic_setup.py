"""`python -m millrace.topic_setup`: creates the topics of all vendors, or says which one is not as it was declared."""

from __future__ import annotations

import asyncio
import logging
import sys

from common.bus.connection import KafkaAddress
from common.bus.settings import KafkaOnlySettings
from common.bus.topics_admin import TopicsRefused, create_topics
from common.environment import ConfigurationError
from common.settings import load
from vendors.registry import TOPICS

EXIT_REFUSED, EXIT_AWAY, EXIT_MISCONFIGURED = 1, 75, 78


def main() -> int:
    """One line of what was done, or one sentence of why not."""
    from aiokafka.errors import KafkaError

    # What went wrong is said once, by us.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        created = asyncio.run(create_topics(KafkaAddress.of(load(KafkaOnlySettings)), TOPICS))
    except ConfigurationError as wrong:
        return _say(str(wrong), EXIT_MISCONFIGURED)
    except TopicsRefused as refused:
        return _say(str(refused), EXIT_REFUSED)
    except (OSError, TimeoutError) as away:
        return _say(f"Kafka does not answer at KAFKA_BOOTSTRAP_SERVERS: {type(away).__name__}.", EXIT_AWAY)
    except KafkaError as error:
        words = "does not answer at KAFKA_BOOTSTRAP_SERVERS" if error.retriable else "refused"
        return _say(f"Kafka {words}: {error}.", EXIT_AWAY if error.retriable else EXIT_REFUSED)
    sys.stdout.write("Created " + ", ".join(created) + "\n" if created else "All topics are there.\n")
    return 0


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
