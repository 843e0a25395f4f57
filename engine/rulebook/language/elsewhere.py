"""What other languages call what this one says in other words: the name there, and what to write here."""

from collections.abc import Iterable, Mapping

from engine.rulebook.language.diagnostics import did_you_mean

_PREVIOUS = "what was before is remembered: `values: {last_lat: {last: lat, of: login_ok, by: user_id, keep: 90d}}`"
_SINCE = "how long ago something was is remembered: `values: {idle: {age: last, of: any, by: user_id, keep: 90d}}`"
_ABSENT = "what does not come is an event: `sequences: {missed: {after: a, none: b, within: 1h, by: user_id}}`, and" \
    " the rule has `event: absent.missed`"  # fmt: skip
_IN_ORDER = "an order is declared: `sequences: {led_to: {steps: [a, b], within: 1h, by: user_id}}`"
_COUNTED = "what is counted is declared: `counters: {posts_1h: {count: post, by: user_id, over: 1h}}`"
_USUAL = (
    "what is usual is declared: `counters: {usual_30d: {mean: amount, of: post, by: user_id, over: 30d, before: true}}`"
    ", and so are stdev, median, quantile, min and max"
)
_NEW = "what is new is declared: `values: {new_device: {new: login_ok, by: [user_id, device_id], keep: 400d}}`"
_DISTINCT = "different values are counted: `counters: {users_1h: {distinct: user_id, of: post, by: ip, over: 1h}}`"
_SEGMENTS = "one limit for each segment is declared: `params: {most: {default: 3, by: country, values: {DE: 5}}}`"
_MARKED = "what a rule notes is declared: `marks: {watched: {by: device_id, for: 7d}}`; a clause is marked.watched"
_SAID = "what moderators have said is counted: `counters: {spam_30d: {count: label.spam, by: user_id, over: 30d}}`"
_SEVERAL = "several fields are one entity: `counters: {pairs_1h: {count: post, by: [user_id, target_id], over: 1h}}`"
_CLASSIFIED = "what a classifier says of a text comes with the event, as a field: `fields: {language: text}`"
_TABLE = "a database of networks is declared: `enrich: {ip: {mmdb: city.mmdb, as: [country, asn]}}`"

_FUNCTIONS: Mapping[tuple[str, ...], str] = {
    ("upper_share", "caps_ratio", "uppercase_ratio", "caps", "upper_ratio"): 'write: share(text, "[A-Z]", "[A-Za-z]")',
    ("digit_share", "digits_ratio", "number_ratio"): 'write: share(text, "[0-9]")',
    ("distance", "haversine", "geo_distance", "distance_km"): "write: km(lat, lon, other_lat, other_lon)",
    ("geo", "geoip", "lookup", "ip_country", "asn"): _TABLE,
    ("previous", "prev", "lag", "last", "last_value", "changed"): _PREVIOUS,
    ("hours_since_previous", "seconds_since_previous", "time_since", "since", "seconds_since", "age"): _SINCE,
    ("followed_by", "not_followed_by"): _ABSENT,
    ("sequence", "then", "preceded_by"): _IN_ORDER,
    ("normalize_email", "canonical_email", "email_norm", "normalise_email"): "write: mailbox(email)",
    ("email_domain", "host", "hostname", "registered_domain", "url_host"): "write: domain(email), or url_domain",
    ("sum", "velocity", "counter", "rate", "count_if", "countif", "event_count", "increment", "incrementwindow"):
        _COUNTED,
    ("count_distinct", "distinct", "unique", "cardinality", "dcount", "nunique", "value_count"): _DISTINCT,
    ("avg", "average", "mean", "stddev", "stdev", "std", "median", "percentile", "quantile", "zscore", "variance"):
        _USUAL,
    ("first", "new", "is_new", "first_seen", "seen", "seen_before", "first_time", "new_terms", "never_seen"): _NEW,
    ("label", "labels", "haslabel", "has_label", "labelcount", "tag"): _SAID,
    ("marked", "mark", "flagged", "has_flag", "hasflag", "has_mark"): _MARKED,
    ("if", "iff", "case", "switch", "when", "choose"): _SEGMENTS,
    ("language", "lang", "detect_language", "sentiment", "toxicity", "classify"): _CLASSIFIED,
    ("now", "today", "current_timestamp", "unix_timestamp", "getdate"): "write: ts - event.created < 1d",
    ("timestamp", "to_timestamp", "parse_date", "strptime", "todatetime", "parse_time", "from_iso8601"):
        "a time is declared: `fields: {created: time}`",
    ("split", "substr", "substring", "left", "mid", "slice", "regexp_extract", "regex_extract", "get_matches",
     "parse", "regexp_substr", "prefix", "capture"): 'write: extract(card, "^.{6}")',
    ("round", "floor", "ceil", "trunc", "int", "bucket"): "write: amount - amount % 100",
    ("to_number", "tonumber", "tonum", "float", "parse_number", "cast", "str_to_num"): "write: number(x)",
    ("word_in", "has_word", "hasword", "contains_words", "token_in", "words", "any_word"):
        "write: contains_word(text, lists.words)",
    ("emoji", "emojis", "emoji_count", "count_emoji"): r'write: count(text, "[\x{1F300}-\x{1FAFF}]")',
    ("strip", "trim", "replace", "translate"): "write: skeleton(text)",
    ("concat", "join", "format"): _SEVERAL,
    ("score", "model", "predict"):
        "what a model says is score.spam; points are added up: `scores: {risk: {foreign: 50}}`",
    ("rule", "rules", "matched", "fired"):
        "what another rule finds is rule.r, and its hits: `counters: {hits_1d: {count: hit.r, by: user_id, over: 1d}}`",
    ("upper", "lowercase", "to_lower", "tolower", "lcase", "casefold"): "write: lower(text)",
    ("normalize", "ccnorm", "norm", "unidecode", "homoglyphs"): "write: skeleton(text)",
    ("length", "size", "strlen", "listlength", "textlength"): "write: len(text)",
    ("levenshtein", "edit_distance", "jaro_winkler", "fuzzy"): "write: similarity(name, other) > 0.9",
    ("contains", "icontains", "includes", "has", "textcontains", "find", "instr", "strpos", "indexof"):
        'write: "word" in text',
    ("regex", "regexp", "rlike", "re_match", "irlike", "regexmatch", "regex_match", "match", "matches"):
        'write: text matches "pattern"',
    ("contains_all", "any", "containsany", "has_any", "includes_any"): "write: contains_any(text, lists.words)",
    ("exists", "is_null", "isnull", "coalesce", "defined"): "write: known(x)",
    ("day", "dayofweek", "day_of_week", "dow"): "write: weekday(ts), or the date: date(ts)",
    ("is_in_cidr", "cidr", "in_cidr", "ip_in"): "write: ip in lists.networks",
}  # fmt: skip

_KEYS: Mapping[str, Mapping[str, str]] = {
    "then": {
        "message": 'what people are told is `tell: "… {field} …"`',
        "reason": 'what people are told is `tell: "… {field} …"`',
        "duration": "how long an action holds is `for: 1h`",
        "ttl": "how long an action holds is `for: 1h`",
        "block": "write: remove, suspend or limit",
        "ban": "write: suspend",
    }
}

_KEYS_OF_RULES: Mapping[tuple[str, ...], str] = {
    ("if", "condition", "conditions", "where", "match", "filter", "query", "clauses"):
        "what has to hold is `when:`, a list",
    ("action", "actions", "do", "outcome", "decision"): "what is done is `then: {review: account}`",
    ("on", "type", "types", "events", "trigger", "event_type", "for"): "which events a rule is about is `event:`",
    ("enabled", "disabled", "active", "status", "state"): "`mode: shadow` only watches; without `mode` the rule acts",
    ("name", "title", "description", "owner", "severity", "tags", "reason", "why", "expires", "tell"):
        "who, why and until when stand in `meta: {owner: spam, why: …, severity: high}`",
    ("throttle", "suppress", "dedup", "dedupe", "rate_limit", "limit"):
        "a rest between actions is `cooldown: {per: user_id, for: 10m}`",
    ("threshold", "count", "over", "window", "timespan", "group_by", "by", "period"):
        "what is counted is declared: `counters: {posts_1h: {count: post, by: user_id, over: 1h}}`",
    ("priority", "order", "weight"): "all rules are asked; `then: allow` goes before all others",
    ("except", "exclude", "exceptions", "not", "allow", "none"): "what keeps a rule from acting is `unless:`, a list",
    ("all",): "all of these hold: `when:`, a list",
}  # fmt: skip
_KEYS_OF_COUNTERS: Mapping[tuple[str, ...], str] = {
    ("window", "period", "timespan", "timeframe", "last", "within", "for", "duration", "interval", "per"):
        "the window is `over: 1h`",
    ("group_by", "groupby", "group-by", "key", "keys", "partition_by", "per_key", "entity", "characteristics"):
        "on whom a counter hangs is `by: user_id`",
    ("filter", "if", "when", "condition", "when_all"): "only events for which something holds: `where: amount > 5`",
    ("unique", "cardinality", "count_distinct", "nunique"): "different values are `distinct: ip`",
    ("avg", "average"): "the mean is `mean: amount`",
    ("std", "stddev", "variance"): "the spread is `stdev: amount`",
    ("percentile", "p95", "p99"): "a percentile is `quantile: amount, at: 0.95`",
    ("threshold", "gt", "gte", "more_than", "greater_than"): "a threshold stands in a rule: `when: [posts_1h > 10]`",
    ("event", "events", "type", "types", "on"): "which events is `of:`; of a count it is `count: post`",
    ("field", "value", "aggregation", "agg", "function"): "what is asked is the key: `sum: amount`, `distinct: ip`",
    ("keep", "ttl"): "the window is `over: 1h`; what is remembered longer stands under `values:`",
}  # fmt: skip
_KEYS_OF_VALUES: Mapping[tuple[str, ...], str] = {
    ("over", "within", "window", "ttl", "for", "timespan", "history_window", "history"): "how long is `keep: 90d`",
    ("read_by",):
        "a counter can be read by somebody else: `{max: amount, of: pay, by: target_id, over: 1d, read_by: user_id}`",
    ("group_by", "key", "per", "entity"): "who remembers is `by: user_id`",
    ("filter", "if", "when"): "only events for which something holds: `where: amount > 5`",
}  # fmt: skip
_KEYS_OF_SEQUENCES: Mapping[tuple[str, ...], str] = {
    ("maxspan", "timespan", "over", "window", "for"): "in which time is `within: 1h`",
    ("group_by", "group-by", "key", "per"): "whose events they are is `by: user_id`",
    ("until", "unless", "not", "except"): "what must not come in between is `without: password_reset`",
    ("events", "sequence", "rules", "order", "then", "followed_by"):
        "what comes one after the other is `steps: [a, b]`",
    ("not_followed_by", "missing"): "what does not come is `after: a, none: b`",
}  # fmt: skip
_KEYS_OF_FILES: Mapping[tuple[str, ...], str] = {
    ("rule",): "rules stand under `rules:`",
    ("counter", "aggregations", "windows", "velocities", "metrics", "features"): "write: counters",
    ("variables", "vars", "let", "features", "computed"): "what is computed is `values:` or `derived:`",
    ("constants", "settings", "thresholds"): "constants are `params:`",
    ("labels", "flags"): "what rules note of somebody is `marks:`; what moderators have said is counted, as label.spam",
    ("correlation", "correlations", "absences"): "an order, and what does not come, are `sequences:`",
    ("tests", "test"): "tests stand in the rule that they are about",
}  # fmt: skip
_SPELT: Mapping[str, Mapping[str, str]] = {
    title: {name: hint for names, hint in said.items() for name in names}
    for title, said in (
        ("rule", _KEYS_OF_RULES), ("counter", _KEYS_OF_COUNTERS), ("value", _KEYS_OF_VALUES),
        ("sequence", _KEYS_OF_SEQUENCES), ("a rulebook file", _KEYS_OF_FILES),
    )
}  # fmt: skip
"""By what the mapping is, as errors begin to call it."""

_BY_NAME = {name: hint for names, hint in _FUNCTIONS.items() for name in names}


_NEEDED: Mapping[str, str] = {
    "version": "write on its first line: `version: 1`",
    "by": "for example `by: user_id`, or `by: [user_id, ip]`; for all events of a type together, `by: type`",
    "over": "for example `over: 1h`",
    "then": "for example `then: {review: account}`",
    "event": "for example `event: post`, or `event: any`",
    "keep": "for example `keep: 90d`",
    "within": "for example `within: 1h`",
    "default": "one constant for each segment: `{default: 3, by: country, values: {DE: 5}}`",
}
_TYPES: Mapping[str, str] = {
    name: kind
    for names, kind in (
        (("string", "str", "varchar", "keyword", "ip", "ip_address", "email", "url", "enum", "uuid", "id"), "text"),
        (("int", "integer", "float", "double", "decimal", "numeric", "long", "currency", "money", "amount"), "number"),
        (("boolean", "flag", "yes_no", "truth"), "bool"),
        (("date", "datetime", "timestamp", "moment", "iso8601"), "time"),
        (("array", "set", "strings", "texts", "tuple"), "list"),
        (("interval", "timespan", "age", "timedelta"), "duration"),
        (("bytes", "filesize"), "size"),
    )
    for name in names
}
_PARTS = ("object", "json", "map", "mapping", "dict", "record", "struct")


def needed_hint(title: str, key: str) -> str | None:
    """What to write where a mapping lacks a key. `title`: the mapping, as errors call it."""
    return _NEEDED.get(key) if key == "default" or not title.startswith("parameter `") else None


def type_hint(written: str) -> str | None:
    """Which type of ours is what another language calls so."""
    if written.lower() in _PARTS:
        return "each part of it is a field: `plan: {type: text, from: profile.plan}`"
    kind = _TYPES.get(written.lower())
    return f"write: {kind}" if kind is not None else None


def function_hint(name: str, known: Iterable[str]) -> str:
    """What to write instead of a function that there is not."""
    functions = list(known)
    return _BY_NAME.get(name.lower()) or did_you_mean(name, functions) or f"functions: {', '.join(functions)}"


def key_hint(title: str, key: str, known: Iterable[str]) -> str:
    """What to write instead of a key that a mapping does not have. `title`: the mapping, as errors call it."""
    keys, kind = list(known), title.partition(" `")[0]
    said = _KEYS.get(title.strip("`"), {}).get(key) or _SPELT.get(kind, {}).get(key.lower())
    return said or did_you_mean(key, keys) or f"{title} may have: {', '.join(keys)}"
