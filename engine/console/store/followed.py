"""Tables that are read from topics. All of them can be rebuilt: `positions` says how far each partition has been read,
and is written in the same transaction as what was read. Times are epoch milliseconds, documents JSON as it came."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from engine.console.store.metadata import METADATA

_BIG = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up rows by itself only where their key is an INTEGER."""

POSITIONS = Table(
    "positions", METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)  # fmt: skip

EVENTS = Table(
    "events", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    UniqueConstraint("partition", "offset"),
    Index("events_of_id", "event_id"),
    Index("events_of_id_and_user", "event_id", "user_id"),
    Index("events_of_user", "user_id", "ts"),
    Index("events_by_time", "ts"),
)  # fmt: skip
"""What users did, as the engine reads it: under our names, people by their pseudonyms where those are in use."""

MENTIONS = Table(
    "mentions", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("event_row", _BIG, nullable=False),
    Index("mentions_of", "kind", "value", "ts"),
    Index("mentions_in", "event_row"),
    Index("mentions_by", "user_id", "kind"),
)  # fmt: skip
"""Which entities an event names: `kind` is a field such as device_id, or url_domain, ip_prefix, text."""

DECISIONS = Table(
    "decisions", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("score", Float),
    Column("rulebook", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    UniqueConstraint("partition", "offset"),
    Index("decisions_of_event", "event_id"),
    Index("decisions_of_user", "user_id", "ts"),
    Index("decisions_by_time", "ts"),
    Index("decisions_by_outcome", "outcome", "ts"),
)  # fmt: skip
"""`score`: the highest that any model gave."""

HITS = Table(
    "hits", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("decision", _BIG, nullable=False),
    Column("rule", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Index("hits_of_rule", "rule", "ts"),
    Index("hits_of_decision", "decision"),
    Index("hits_by_effect", "effect", "ts", "rule"),
)  # fmt: skip

ACTIONS = Table(
    "actions", METADATA,
    Column("action_id", Text, primary_key=True),
    Column("ts", BigInteger, nullable=False),
    Column("published_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target_type", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("area", Text),
    Column("needs", Text),
    Column("document", LargeBinary, nullable=False),
    Index("actions_by_time", "ts", "rule", "area"),
    Index("actions_of_event", "event_id"),
    Index("actions_of_user", "user_id", "ts"),
    Index("actions_of_rule", "rule", "ts"),
    Index("actions_on", "target_type", "target_id", "ts"),
)  # fmt: skip

REVOCATIONS = Table(
    "revocations", METADATA,
    Column("action_id", Text, primary_key=True),
    Column("ts", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("why", Text, nullable=False),
    Index("revocations_by_time", "ts"),
)  # fmt: skip
"""`action_id`: of the action that was taken back."""

LABELS = Table(
    "labels", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("moderator", Text, nullable=False),
    Column("policy", Text),
    Column("propensity", Float),
    Column("ts", BigInteger, nullable=False),
    UniqueConstraint("partition", "offset"),
    Index("labels_of_event", "event_id"),
    Index("labels_by", "moderator", "ts"),
    Index("labels_by_time", "ts", "label"),
)  # fmt: skip

DEAD_LETTERS = Table(
    "dead_letters", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    UniqueConstraint("partition", "offset"),
    Index("dead_letters_by_time", "ts", "reason"),
)  # fmt: skip

RULEBOOKS = Table(
    "rulebooks", METADATA,
    Column("number", BigInteger, primary_key=True),
    Column("rulebook", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
)  # fmt: skip
"""Which version was pushed when, by whom; the files are on the topic."""

CASES = Table(
    "cases", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("model", Text),
    Column("score", Float),
    Column("propensity", Float),
    Column("why", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("is_open", Boolean, nullable=False),
    UniqueConstraint("source", "key"),
    Index("cases_open", "is_open", "value"),
    Index("cases_waiting", "is_open", "ts"),
    Index("cases_by_source", "is_open", "source", "ts"),
    Index("cases_of_event", "event_id"),
)  # fmt: skip
"""What waits for a person. `source`: review, agreement (an action that `needs: review`), appeal or report; `key`: what
makes it one case of its source; `value`: uncertainty times reach, by which what is open is sorted with its age."""

FOLLOWED = (
    POSITIONS, EVENTS, MENTIONS, DECISIONS, HITS, ACTIONS, REVOCATIONS, LABELS, DEAD_LETTERS, RULEBOOKS, CASES,
)  # fmt: skip
