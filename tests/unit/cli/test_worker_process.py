"""What a worker says when it has ended."""

import pytest
from aiokafka.errors import ProducerFenced

from engine.cli.worker_process import _reason_text
from engine.errors import WorkerError

FENCED = "ProducerFenced: another worker writes to its partitions by now: this one stood still for too long"


@pytest.mark.parametrize(
    ("reason", "instance_id", "told"),
    [
        (WorkerError("no progress"), "", "no progress"),
        (TimeoutError("late"), "", "TimeoutError: late"),
        (ProducerFenced(), "", FENCED),
        (ProducerFenced(), "one", f"{FENCED}, or another worker has the same `instance_id`, one"),
    ],
)
def test_the_reason_is_told_in_words_that_help(reason: Exception, instance_id: str, told: str) -> None:
    assert _reason_text(reason, instance_id) == told
