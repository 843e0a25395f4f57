"""`enrich:` and `tables:`: what they let clauses read, and what is said of wrong ones."""

import pytest

from engine.core.domain.rules import Rulebook
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.language.diagnostics import Diagnostic
from engine.rulebook.sections.reading import named_files

FILES = {"merchants.csv": "merchant_id,risk\nm1,0.9\n", "plans.txt": "free"}
BASE = "version: 1\nfields: {merchant_id: text, age: {type: duration, unit: d}, verified: bool}\n"


def found(text: str) -> list[Diagnostic]:
    return check_rulebook({"rules.yaml": BASE + text, **FILES})[1].findings


def rule(clause: str, tests: str = "") -> str:
    return f"rules: {{r: {{event: post, when: ['{clause}'], then: {{flag: x}}, mode: shadow, tests: [{tests}]}}}}"


@pytest.mark.parametrize(
    "text",
    [
        "enrich: {ip: {mmdb: city.mmdb, as: country}}\n" + rule('country == "DE"'),
        "enrich: {ip: {mmdb: city.mmdb, as: [country, asn, is_anonymous]}}\n" + rule("is_anonymous and asn > 5"),
        "enrich: {ip: {mmdb: city.mmdb, as: {risk: {type: number, from: risk.score}}}}\n" + rule("risk > 5"),
        "enrich: {ip: [{mmdb: a.mmdb, as: [country]}, {mmdb: b.mmdb, as: [asn]}]}\n" + rule("asn > 5"),
        "enrich: {ip: {mmdb: a.mmdb, as: {ip_country: country.iso_code}}}\n" + rule('ip_country in ["DE", "FR"]'),
        "tables: {profile: {topic: users, key: user_id, fields: {plan: text, n: number}}}\n" + rule("profile.n > 5"),
        "tables: {m: {file: merchants.csv, key: merchant_id, fields: {risk: number}}}\n" + rule("m.risk > 0"),
        "tables: {m: {topic: t, key: user_id, fields: {since: {type: duration, unit: h}}}}\n" + rule("m.since < 3d"),
        "enrich: {ip: {mmdb: a.mmdb, as: [asn]}}\n"
        "tables: {network: {topic: t, key: asn, fields: {bad: bool}}}\n" + rule("network.bad"),
    ],
)  # fmt: skip
def test_clauses_read_what_is_looked_up(text: str) -> None:
    assert [str(one) for one in found(text)] == []


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("enrich: {ipp: {mmdb: a.mmdb, as: [asn]}}", 'nothing can be looked up by "ipp"', 'did you mean "ip"?'),
        ("enrich: {verified: {mmdb: a.mmdb, as: [asn]}}", 'nothing can be looked up by "verified"', "one of: "),
        ("enrich: {ip: {mmdb: ../a.mmdb, as: [asn]}}", "`mmdb` is the name of a file, this is `../a.mmdb`", "city"),
        ("enrich: {ip: {mmdb: /etc/a.mmdb, as: [asn]}}", "`mmdb` is the name of a file", "reference_data_dir"),
        ("enrich: {ip: {mmdb: a.txt, as: [asn]}}", "`mmdb` is the name of a file", "city.mmdb"),
        ("enrich: {ip: {mmdb: a.mmdb}}", "`enrich` of `ip` needs `as`", ""),
        ("enrich: {ip: {mmdb: a.mmdb, as: [contry]}}", "`contry` is no well-known name", 'did you mean "country"?'),
        ("enrich: {ip: {mmdb: a.mmdb, as: {x: 5}}}", "a path in the database is needed here, this is `5`", ""),
        ("enrich: {ip: {mmdb: a.mmdb, as: {age: a.b}}}", '"age" is declared twice, first in rules.yaml:2', ""),
        ("enrich: {ip: {mmdb: a.mmdb, as: {url_domain: a.b}}}", "`url_domain` means something else already", ""),
        ("enrich: {ip: {mmdb: a.mmdb, as: {event: a.b}}}", "`event` means something else already", ""),
        ("enrich: {ip: {mmdb: a.mmdb, as: {n: a.b}}}\ncounters: {n: {count: post, by: user_id, over: 1h}}",
         "`n` means something else already", "another name"),
        ("enrich: {ip: [{mmdb: a.mmdb, as: [asn]}, {mmdb: b.mmdb, as: [asn]}]}", '"asn" is declared twice', ""),
        ("tables: {m: {key: user_id, fields: {a: text}}}", "table `m` needs exactly one of `topic` and `file`", ""),
        ("tables: {m: {topic: t, file: plans.txt, key: user_id, fields: {a: text}}}", "needs exactly one of", ""),
        ("tables: {m: {topic: t, key: usr_id, fields: {a: text}}}\n" + rule('m.a == "x"'),
         'nothing can be looked up by "usr_id"', 'did you mean "user_id"?'),
        ("tables: {m: {topic: t, key: user_id, fields: {}}}", "`fields` of table `m` are 1 to 50 columns", ""),
        ("tables: {m: {topic: t, key: user_id, fields: {a: txt}}}", "a column's type cannot be `txt`", ""),
        ("tables: {m: {topic: t, key: user_id, fields: {A: text}}}", '"A" cannot be a name', ""),
        ("tables: {m: {topic: a b, key: user_id, fields: {a: text}}}", "`topic` is the name of a topic", ""),
        ("tables: {m: {file: nothing.csv, key: user_id, fields: {a: text}}}",
         "there is no file nothing.csv in this rulebook", ""),
        ("tables: {m: {file: plans.txt, key: user_id, fields: {a: text}}}", "a table is a .csv or a .jsonl file", ""),
        ("tables: {merchant_id: {topic: t, key: user_id, fields: {a: text}}}", "`merchant_id` is a field already", ""),
        ("tables: {m: {topic: t, key: user_id, fields: {plan: text}}}\n" + rule('m.pln == "x"'),
         'unknown name "m.pln"', 'did you mean "m.plan"?'),
    ],
)  # fmt: skip
def test_a_wrong_one_is_told_once_with_what_to_do(text: str, told: str, hint: str) -> None:
    (error,) = found(text)
    assert told in error.message
    assert hint in (error.hint or "")


def book(text: str) -> Rulebook:
    return load_rulebook({"rules.yaml": BASE + text, **FILES})


def test_the_files_of_tables_belong_to_the_rulebook() -> None:
    text = "lists: {a: {file: a.txt}}\ntables: {b: {file: t/b.csv, key: user_id, fields: {x: text}}}"
    assert named_files("rules/r.yaml", text) == ["rules/a.txt", "rules/t/b.csv"]


def test_tests_state_what_is_looked_up_and_tables_of_the_rulebook_answer_themselves() -> None:
    stated = "- {send: {type: post, country: DE, profile.plan: free}, fires: always}"
    book(
        "enrich: {ip: {mmdb: a.mmdb, as: [country]}}\n"
        "tables:\n"
        "  profile: {topic: users, key: user_id, fields: {plan: text}}\n"
        "  merchant: {file: merchants.csv, key: merchant_id, fields: {risk: number}}\n"
        "rules:\n"
        "  r:\n"
        "    event: post\n"
        "    when: ['country == \"DE\"', 'profile.plan == \"free\"']\n"
        "    then: {flag: x}\n"
        f"    tests:\n      {stated}\n      - {{send: {{type: post, country: DE}}, fires: never}}\n"
        "  m:\n"
        "    event: post\n"
        "    when: [merchant.risk > 0.5]\n"
        "    then: {flag: x}\n"
        "    tests:\n"
        "      - {send: {type: post, merchant_id: m1}, fires: always}\n"
        "      - {send: {type: post, merchant_id: m1, merchant.risk: 0.1}, fires: never}\n"
        "      - {send: {type: post, merchant_id: m2}, fires: never}\n"
    )


def test_a_test_that_states_another_type_is_wrong() -> None:
    sent = "{send: {type: post, profile.n: many}, fires: never}"
    text = "tables: {profile: {topic: users, key: user_id, fields: {n: number}}}\n" + rule("profile.n > 5", sent)
    (error,) = found(text)
    assert error.message == "`profile.n` is a number, this is `many`"


def test_only_what_a_rule_reads_changes_what_it_means() -> None:
    def fingerprints(risk: str, other: str, file: str, topic: str) -> list[int]:
        sources = {
            "rules.yaml": BASE + "tables:\n"
            "  merchant: {file: m.csv, key: merchant_id, fields: {risk: number, other: number}}\n"
            f"  profile: {{topic: {topic}, key: user_id, fields: {{plan: text}}}}\n"
            f"enrich: {{ip: {{mmdb: {file}, as: [asn]}}}}\n"
            "rules:\n"
            "  a: {event: post, when: [merchant.risk > 0.5], then: {flag: x}}\n"
            "  b: {event: post, when: [asn == 5], then: {flag: x}}\n"
            "  c: {event: post, when: ['profile.plan == \"x\"'], then: {flag: x}}\n",
            "m.csv": f"merchant_id,risk,other\nm1,{risk},{other}\n",
        }
        return [rule.fingerprint for rule in load_rulebook(sources).rules]

    before = fingerprints("0.9", "1", "a.mmdb", "users")
    assert fingerprints("0.9", "2", "a.mmdb", "users") == before
    for place, changed in enumerate((("0.8", "1", "a.mmdb", "users"), ("0.9", "1", "b.mmdb", "users"),
                                     ("0.9", "1", "a.mmdb", "people"))):  # fmt: skip
        after = fingerprints(*changed)
        assert [at for at in range(3) if after[at] != before[at]] == [place]
