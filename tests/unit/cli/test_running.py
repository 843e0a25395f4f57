"""What a worker says when it has ended."""

import pytest
from aiokafka.errors import KafkaError, ProducerFenced, for_code

from engine.cli.running import reason_text
from engine.errors import WorkerError

FENCED = "ProducerFenced: another worker writes to its partitions by now: this one stood still for too long"
FENCED_INSTANCE_ID = 82
SAME_NAME = "another worker has the same `instance_id`, one"


@pytest.mark.parametrize(
    ("reason", "instance_id", "told"),
    [
        (WorkerError("no progress"), "", "no progress"),
        (TimeoutError("late"), "", "TimeoutError: late"),
        (ProducerFenced(), "", FENCED),
        (ProducerFenced(), "one", f"{FENCED}, or {SAME_NAME}"),
        (for_code(FENCED_INSTANCE_ID)(), "one", f"FencedInstanceIdError: {SAME_NAME}: give each a name of its own"),
        (
            KafkaError(repr(for_code(FENCED_INSTANCE_ID)())),  # as aiokafka raises what a join is answered
            "one",
            f"FencedInstanceIdError: {SAME_NAME}: give each a name of its own",
        ),
        (KafkaError("all is lost"), "one", "KafkaError: KafkaError: all is lost"),
    ],
)
def test_the_reason_is_told_in_words_that_help(reason: Exception, instance_id: str, told: str) -> None:
    assert reason_text(reason, instance_id) == told
