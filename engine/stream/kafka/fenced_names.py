"""What a broker answers to the elder of two members with one `instance_id`: an error that aiokafka (0.14.0) has no
class for, so that it tells of an `UnknownError` (aiokafka/errors.py, `for_code`)."""

from aiokafka.errors import BrokerResponseError, KafkaError, kafka_errors


class FencedInstanceIdError(BrokerResponseError):  # type: ignore[misc]  # aiokafka has no types
    """Another member of the group has the same name, and has joined after this one (KIP-345)."""

    errno = 82
    message = "FENCED_INSTANCE_ID"


kafka_errors.setdefault(FencedInstanceIdError.errno, FencedInstanceIdError)


def has_lost_its_name(error: BaseException) -> bool:
    """Whether a member has ended because of another of its name. aiokafka raises what a join is answered as the text of
    it, in a KafkaError (aiokafka/consumer/group_coordinator.py, `perform_group_join`)."""
    return isinstance(error, KafkaError) and FencedInstanceIdError.__name__ in repr(error)
