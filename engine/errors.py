"""Every error that Floodgate raises on purpose, as one tree. Each says who acts.

FloodgateError
│ the sender of a message; it becomes a dead letter
├── EventError            it is no event that can be used
├── LabelError            it is no label that can be used
│ the policy team
├── RulebookError         a rulebook fails its check
├── PipelineError         an expression describes no estimator
├── SeedError             a seed cannot be read, or made
├── RecordingError        a recorded file cannot be read
│ the operator
├── SettingsError         a setting is missing or wrong
├── BrokerError           no broker answers
├── TopicError            topics are missing or wrong
├── PublishError          the broker refuses messages
├── StateError            stored state cannot be read: rebuild it from the changelog
├── StoreError            a store of the console, of deliveries or of exports cannot be used
├── SnapshotError         a model snapshot cannot be read: roll the model back
├── KafkaMissingError     Kafka cannot be fetched here
│ who uses the console
├── AccountError         an account or a password will not do
├── RequestError         what a request asks for cannot be done
│ nobody: its supervisor starts the worker again
└── WorkerError           a worker can do nothing any more, or must not
"""


class FloodgateError(Exception):
    """The root: catch this to catch everything below."""


class EventError(FloodgateError):
    """An input message that is not a usable event.

    `reason` is a short, stable code (a metric's label); the text says what to do.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LabelError(FloodgateError):
    """An input message that is not a usable label. `reason` as in EventError."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RulebookError(FloodgateError):
    """A rulebook with at least one error; the text is the whole report, one block per error."""

    def __init__(self, report: str, count: int) -> None:
        super().__init__(report)
        self.count = count


class SettingsError(FloodgateError):
    """A setting that cannot work."""


class StateError(FloodgateError):
    """A stored record that cannot be read."""


class StoreError(FloodgateError):
    """The store of the console, or of deliveries, cannot be opened or reached, or that of exports is another's."""


class AccountError(FloodgateError):
    """An account that cannot be, or a password that will not do."""


class RequestError(FloodgateError):
    """A request to the console that cannot be answered. `status`: as HTTP has it."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class SnapshotError(FloodgateError):
    """A model snapshot that cannot be read."""


class PipelineError(FloodgateError):
    """An expression that describes no estimator."""


class SeedError(FloodgateError):
    """A seed that cannot be read, or made: the text says what to do."""


class PublishError(FloodgateError):
    """Messages that the broker did not take."""


class BrokerError(FloodgateError):
    """Kafka could not be reached."""


class KafkaMissingError(FloodgateError):
    """A local Kafka could not be fetched."""


class RecordingError(FloodgateError):
    """A file of recorded events or labels that cannot be read."""


class TopicError(FloodgateError):
    """A topic that is missing, or that has the wrong shape."""


class WorkerError(FloodgateError):
    """A worker that has to end: what it has is not its own any more, or it does not get on. Nothing is lost by that."""
