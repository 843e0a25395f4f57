"""Tables of what only the console knows: accounts, claims, verdicts, notes, golden items, what goes out, the audit log.
They are not rebuilt: back them up. Times are epoch milliseconds."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from engine.console.store.metadata import METADATA

_BIG = BigInteger().with_variant(Integer, "sqlite")

ACCOUNTS = Table(
    "accounts", METADATA,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    Column("is_active", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("areas", Text, nullable=False, server_default=""),
    Column("languages", Text, nullable=False, server_default=""),
)  # fmt: skip
"""`password_hash`: none for who signs in elsewhere; `areas`, `languages`: of the queues that they may see, with commas;
empty: all."""

IDENTITIES = Table(
    "identities", METADATA,
    Column("account", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)  # fmt: skip
"""Who came in first as an account, from an OpenID provider: `subject` is theirs there, whatever they are called."""

SESSIONS = Table(
    "sessions", METADATA,
    Column("token_hash", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("csrf_token", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Index("sessions_of", "account"),
)  # fmt: skip

TOKENS = Table(
    "tokens", METADATA,
    Column("token_hash", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger),
)  # fmt: skip
"""For programs that use the JSON API."""

LOGIN_FAILURES = Table(
    "login_failures", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Index("login_failures_of_name", "name", "ts"),
    Index("login_failures_of_address", "address", "ts"),
)  # fmt: skip

CLAIMS = Table(
    "claims", METADATA,
    Column("event_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Index("claims_of", "account"),
)  # fmt: skip
"""Who looks at an event right now, so that two people never do the same. `kind`: as of the verdict that it is for."""

SKIPS = Table(
    "skips", METADATA,
    Column("event_id", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    Index("skips_by", "account", "until_ms"),
)  # fmt: skip
"""Who has left an event to others, and until when it is not offered to them again."""

FURTHER = Table(
    "further_opinions", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("first", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("is_open", Boolean, nullable=False),
    UniqueConstraint("event_id", "kind"),
    Index("further_open", "is_open", "kind", "asked_ms"),
)  # fmt: skip
"""Events on which somebody else is asked too. `kind`: second, or senior where two have disagreed; `first`: who is not
asked again."""

VERDICTS = Table(
    "verdicts", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("policy", Text),
    Column("reason", Text, nullable=False, server_default=""),
    Column("ts", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("expected", Text),
    Column("took_ms", BigInteger),
    Column("batch", Text),
    Column("outgoing", Text),
    Column("undone_ms", BigInteger),
    Index("verdicts_of_event", "event_id"),
    Index("verdicts_by", "account", "ts"),
    Index("verdicts_of_batch", "batch"),
)  # fmt: skip
"""`kind`: first, second (a further opinion), senior, appeal, golden, bulk or direct; `expected`: of a golden item,
the right label; `outgoing`: the id of what goes out for it; `undone_ms`: since when it does not count, undone or
retracted."""

BREAKS = Table(
    "breaks", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("account", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Index("breaks_of", "account", "ts"),
)  # fmt: skip
"""Who has taken a break from disturbing items; until its beginning where they wanted none."""

GOLDEN = Table(
    "golden", METADATA,
    Column("event_id", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("policy", Text),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("ts", BigInteger, nullable=False),
)  # fmt: skip
"""Events whose right answer is known: mixed in with others, they tell how well people decide."""

NOTES = Table(
    "notes", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Index("notes_on", "kind", "value"),
)  # fmt: skip
"""On a user, an entity, an event, a rule: `kind` as in mentions, or user_id, event, rule."""

SAVED_SEARCHES = Table(
    "saved_searches", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("account", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    UniqueConstraint("account", "name"),
)  # fmt: skip

DRAFTS = Table(
    "drafts", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("based_on", Text, nullable=False),
    Column("files", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("approved_by", Text),
    Column("changed_ms", BigInteger, nullable=False),
    Index("drafts_by_state", "state", "changed_ms"),
)  # fmt: skip
"""Edited rulebooks. `files`: JSON, texts by path; `based_on`: the rulebook's id that was edited; `state`: draft,
proposed, pushed or dropped."""

OUTGOING = Table(
    "outgoing", METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("sent_ms", BigInteger),
    Index("outgoing_by_state", "state", "due_ms"),
)  # fmt: skip
"""What goes out to topics. `state`: waiting (undone until it is due), sending, sent, undone or failed."""

AUDIT = Table(
    "audit", METADATA,
    Column("id", _BIG, primary_key=True),
    Column("ts", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("chain", Text, nullable=False),
    Index("audit_by_time", "ts"),
    Index("audit_of", "account", "ts"),
    Index("audit_about", "object"),
)  # fmt: skip
"""Who did what. Rows cannot be changed or deleted; `chain`: a hash of the row and of the chain before it."""

ERASED = Table(
    "erased", METADATA,
    Column("name_hash", Text, primary_key=True),
    Column("ts", BigInteger, nullable=False),
)  # fmt: skip
"""Users whose past is to stay forgotten, by a hash of their names: all until `ts`."""

HEALTH = Table(
    "follower_health", METADATA,
    Column("name", Text, primary_key=True),
    Column("ts", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
)  # fmt: skip
"""What the console's threads say of themselves and of the engine, as JSON: how far they are behind, its status."""
