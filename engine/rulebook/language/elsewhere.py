"""What other languages call what this one says in other words: the name there, and what to write here."""

from collections.abc import Iterable, Mapping

from engine.rulebook.language.diagnostics import did_you_mean

_PREVIOUS = "what was before is remembered: `values: {last_lat: {last: lat, of: login_ok, by: user_id, keep: 90d}}`"
_SINCE = "how long ago something was is remembered: `values: {idle: {age: last, of: any, by: user_id, keep: 90d}}`"
_ABSENT = "what does not come is an event: `sequences: {missed: {after: a, none: b, within: 1h, by: user_id}}`, and" \
    " the rule has `event: absent.missed`"  # fmt: skip
_IN_ORDER = "an order is declared: `sequences: {led_to: {steps: [a, b], within: 1h, by: user_id}}`"
_COUNTED = "what is counted is declared: `counters: {posts_1h: {count: post, by: user_id, over: 1h}}`"
_TABLE = "a database of networks is declared: `enrich: {ip: {mmdb: city.mmdb, as: [country, asn]}}`"

_FUNCTIONS: Mapping[tuple[str, ...], str] = {
    ("upper_share", "caps_ratio", "uppercase_ratio", "caps", "upper_ratio"): 'write: share(text, "[A-Z]", "[A-Za-z]")',
    ("digit_share", "digits_ratio", "number_ratio"): 'write: share(text, "[0-9]")',
    ("distance", "haversine", "geo_distance", "distance_km"): "write: km(lat, lon, other_lat, other_lon)",
    ("geo", "geoip", "lookup", "ip_country", "asn"): _TABLE,
    ("previous", "prev", "lag", "last", "last_value"): _PREVIOUS,
    ("hours_since_previous", "seconds_since_previous", "time_since", "since", "seconds_since", "age"): _SINCE,
    ("followed_by", "not_followed_by"): _ABSENT,
    ("sequence", "then", "preceded_by"): _IN_ORDER,
    ("normalize_email", "canonical_email", "email_norm", "normalise_email"): "write: mailbox(email)",
    ("email_domain", "host", "hostname", "registered_domain", "url_host"): "write: domain(email), or url_domain",
    ("count_distinct", "distinct", "sum", "avg", "mean", "velocity", "counter", "rate"): _COUNTED,
    ("upper", "lowercase", "to_lower", "tolower", "lcase", "casefold"): "write: lower(text)",
    ("normalize", "ccnorm", "norm", "unidecode", "homoglyphs"): "write: skeleton(text)",
    ("length", "size", "strlen"): "write: len(text)",
    ("levenshtein", "edit_distance", "jaro_winkler", "fuzzy"): "write: similarity(name, other) > 0.9",
    ("contains", "icontains", "includes", "has"): 'write: "word" in text',
    ("regex", "regexp", "rlike", "re_match", "irlike"): 'write: text matches "pattern"',
    ("contains_all", "any", "containsany"): "write: contains_any(text, lists.words)",
    ("exists", "is_null", "isnull", "coalesce", "defined"): "write: known(x)",
    ("date", "day", "dayofweek", "day_of_week"): "write: weekday(ts)",
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
    },
    "rule": dict.fromkeys(("owner", "why", "reason", "expires", "severity"), "it stands in `meta:` of the rule"),
}

_BY_NAME = {name: hint for names, hint in _FUNCTIONS.items() for name in names}


def function_hint(name: str, known: Iterable[str]) -> str:
    """What to write instead of a function that there is not."""
    functions = list(known)
    return _BY_NAME.get(name.lower()) or did_you_mean(name, functions) or f"functions: {', '.join(functions)}"


def key_hint(title: str, key: str, known: Iterable[str]) -> str:
    """What to write instead of a key that a mapping does not have. `title`: the mapping, as errors call it."""
    keys = list(known)
    said = _KEYS.get(title.partition(" ")[0].strip("`"), {}).get(key)
    return said or did_you_mean(key, keys) or f"{title} may have: {', '.join(keys)}"
