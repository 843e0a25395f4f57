"""Every error that Floodgate raises on purpose, as one tree. Each says who acts.

FloodgateError
├── EventError            a message cannot be used       → it becomes a dead letter
├── LabelError            a label cannot be used         → it becomes a dead letter
├── RulebookError         a rulebook fails its check     → the policy team mends the YAML
├── SettingsError         a setting is missing or wrong  → the operator mends the configuration
├── StateError            stored state cannot be read    → the operator rebuilds it from the changelog
├── SnapshotError         a model snapshot is unreadable → the operator rolls the model back
├── PipelineError         a pipeline cannot be made      → whoever wrote it
├── BrokerError           no broker answers              → the operator checks `brokers`
├── KafkaMissingError    Kafka cannot be fetched here    → whoever sets the machine up
├── PublishError          the broker refuses messages    → the operator raises a limit or mends the file
├── RecordingError        a recorded file is unreadable  → whoever recorded it
└── TopicError            topics are missing or wrong    → the operator runs `floodgate topics create`
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


class SnapshotError(FloodgateError):
    """A model snapshot that cannot be read."""


class PipelineError(FloodgateError):
    """An expression that describes no estimator."""


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
