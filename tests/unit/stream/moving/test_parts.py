"""A partition is parted in the middle of everything, and nobody can tell afterwards."""

import importlib
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine.core.evaluation.absences import Timer
from engine.core.evaluation.follow_ups import FollowUp
from engine.core.evaluation.outcomes import Answer, Came, Meeting, Wait
from engine.core.evaluation.routing import NOWHERE
from engine.core.kernel import hash64, hash_all
from engine.core.state.contributors import Contributor, Contributors
from engine.core.state.entities import NEVER, EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.core.state.strikes import Strike
from engine.errors import StateError
from engine.learning.labels import Label, decode_known, encode_known
from engine.state.clocks import CLOCK, MEETING_CLOCK
from engine.state.entity_budget import EntityBudget, load_entity_budget
from engine.state.noted import MEETING, UNSCORED, unscored_name
from engine.state.scored import (
    INDEX,
    KEPT,
    REPLY,
    VERDICT,
    Change,
    ScoredBlocks,
    ScoredKeys,
    action_name,
    consequence_name,
    events_of,
    reply_name,
    strike_name,
    verdict_name,
)
from engine.state.store import (
    ENTITY_BUDGET,
    FORGOTTEN,
    LEDGER,
    PROVISIONAL,
    WATERMARKS,
    dump_watermarks,
    entity_record_key,
    user_record_key,
)
from engine.state.timers import MEETING_TIMER, TIMER
from engine.stream.handlers.absences import _encode as encode_absence
from engine.stream.handlers.answers import Unscored, read_unscored
from engine.stream.handlers.answers import _encode as encode_unscored
from engine.stream.handlers.consequences import encode_note
from engine.stream.handlers.kept_events import KeptEvent
from engine.stream.handlers.kept_events import _encode as encode_kept
from engine.stream.handlers.outcomes import OutcomeTimer, encode_timer, read_meeting
from engine.stream.handlers.outcomes import _encode as encode_meeting
from engine.stream.handlers.replies import Decided, dump_kept, read_kept
from engine.stream.handlers.replies import Kept as Noted
from engine.stream.kafka.placing import among
from engine.stream.moving.parts import Parts
from engine.stream.moving.places import Places
from engine.stream.moving.spool import Spool
from engine.stream.offline.engine import Record
from tests.unit.stream.handlers.test_outcomes import Partitions, made_up, recounted, surveyed

BEFORE, TO, OWN = 2, 6, 1
EVERY = {1, 3, 5}


def spooled(spool: Spool, kept: Iterable[Change]) -> None:
    spool.fill(Record("state", OWN, at, key, value, at) for at, (key, value) in enumerate(kept))


def parted(directory: Path, *kept: Change, reveal: Callable[[str], str] = str) -> dict[bytes, dict[int, bytes]]:
    """What each part has of each key."""
    found: dict[bytes, dict[int, bytes]] = {}
    with Spool(directory / "spool") as spool:
        spooled(spool, kept)
        places = Places(spool, OWN, BEFORE, TO, reveal)
        places.find_out()
        for one in Parts(spool, places, OWN):
            found.setdefault(one.key, {})[one.partition] = one.value
    return found


def users(partition: int, many: int) -> list[str]:
    """Ids of users who are in a partition of TO."""
    return [name for name in map("user{}".format, range(1_000)) if among(TO)(name.encode()) == partition][:many]


def follow_up(user: str, partition: int) -> FollowUp:
    return FollowUp(NOWHERE, "e", "hit.bad", user, 1_760_000_000_000, partition, {}, [], 1)


def record(offset: int = 7) -> bytes:
    one = EntityRecord()
    one.offset = one.hops = offset
    one.relative(1_760_000_000_000)
    return dump_record(one)


def test_a_reply_goes_with_its_user_and_knows_no_offset_of_another_partition(tmp_path: Path) -> None:
    stays, goes = users(1, 1) + users(3, 1)
    notes = [
        (reply_name(at, 9), dump_kept(Noted(hash64(user), 7, decided=Decided("act", "1"))))
        for at, user in enumerate((stays, goes, "of nobody here"))
    ]
    found = parted(
        tmp_path, (user_record_key(stays), record()), (user_record_key(goes), record()), *notes, (REPLY, b"?")
    )
    offsets = {
        key: {part: (read_kept(value) or Noted(0, 0)).offset for part, value in parts.items()}
        for key, parts in found.items()
        if key.startswith(REPLY)
    }
    assert list(offsets.values()) == [{1: 0}, {1: 7}, {3: NEVER}, {1: 7, 3: NEVER, 5: NEVER}]


def test_records_go_where_their_messages_go_and_know_no_offsets_of_another_partition(tmp_path: Path) -> None:
    stays, goes = users(1, 1) + users(3, 1)
    found = parted(tmp_path, (user_record_key(stays), record()), (user_record_key(goes), record()))
    assert found == {user_record_key(stays): {1: record(7)}, user_record_key(goes): {3: record(NEVER)}}


def test_a_user_is_where_their_id_is_and_not_their_pseudonym(tmp_path: Path) -> None:
    (goes,) = users(5, 1)
    found = parted(tmp_path, (user_record_key("~x"), record()), reveal=lambda name: goes if name == "~x" else name)
    assert found == {user_record_key("~x"): {5: record(NEVER)}}


def test_a_user_whom_nobody_would_send_here_stays(tmp_path: Path) -> None:
    (stray,) = users(2, 1)
    assert parted(tmp_path, (user_record_key(stray), record())) == {user_record_key(stray): {1: record()}}


def test_whom_an_entity_remembers_is_found_in_their_new_partition(tmp_path: Path) -> None:
    own, others = users(5, 1)[0], users(4, 1)[0]
    domain = next(
        key for key in (entity_record_key(("url_domain", f"{n}.example")) for n in range(100))
        if among(TO)(key[1:]) == 3
    )  # fmt: skip
    one = EntityRecord()
    notes = one.contributors[1] = Contributors(60_000)
    notes.note(Contributor(1, "e1", "post", own, own, 1))
    notes.note(Contributor(2, "e2", "post", others, others, 0))
    found = parted(tmp_path, (domain, dump_record(one)))
    assert found[domain].keys() == {3}
    noted = load_record(found[domain][3]).contributors[1].notes
    assert [(note.user_id, note.user_partition) for note in noted] == [(own, 5), (others, 4)]


def test_what_cannot_be_read_stays_as_it_is(tmp_path: Path) -> None:
    (user,) = users(3, 1)
    damaged = [(user_record_key(user), b"\x05\x01junk"), (b"pxdamaged", b"junk"), (MEETING + b"m", b"junk")]
    found = parted(tmp_path, *damaged, (TIMER + b"\x00" * 16, b"junk"))
    assert found.pop(user_record_key(user)) == {3: b"\x05\x01junk"}
    assert {frozenset(parts.items()) for parts in found.values()} == {frozenset({(1, b"junk")})}


def test_a_key_of_a_newer_version_is_not_lost(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="a key of a newer version: b'zzz'"):
        parted(tmp_path, (b"zzz", b"1"))


def test_what_is_about_the_partition_goes_on_in_each_part(tmp_path: Path) -> None:
    marks = dump_watermarks({(0, 0): 12, (1, 1): 30})
    kept = [(WATERMARKS, marks), (CLOCK, b"\x01" * 8), (MEETING_CLOCK, b"\x02" * 8), (LEDGER, record())]
    found = parted(tmp_path, *kept)
    assert found[WATERMARKS] == dict.fromkeys(EVERY, marks)
    assert found[CLOCK] == dict.fromkeys(EVERY, b"\x01" * 8)
    assert found[MEETING_CLOCK] == dict.fromkeys(EVERY, b"\x02" * 8)
    assert {load_record(value).base_ms for value in found[LEDGER].values()} == {load_record(record()).base_ms}
    assert found[LEDGER].keys() == EVERY


def test_the_events_of_a_block_go_with_their_users_and_what_is_said_of_them_too(tmp_path: Path) -> None:
    names = [*users(1, 1), *users(3, 1), *users(5, 1)]
    identities = [hash64(f"event of {name}") for name in names]
    rows = [KeptEvent(identity, "e", name, {}, []) for identity, name in zip(identities, names, strict=True)]
    hashes = np.array(hash_all(names), np.uint64), np.array(hash_all(["e"] * 3), np.uint64)
    keys = ScoredKeys(np.array(identities, np.uint64), *hashes)
    blocks = ScoredBlocks()
    verdict = encode_known(Label("e", "spam", 0, "ann"))
    kept = [
        blocks.put(KEPT, keys, encode_kept(rows)),
        blocks.put_action("a1", identities[1], "e"), blocks.put_strike("a1", Strike(1, 2)),
        blocks.put_action("a2", 99, "unknown"),
        *((verdict_name(identity), verdict.encode()) for identity in identities),
        *((user_record_key(name), record()) for name in names),
    ]  # fmt: skip
    found = parted(tmp_path, *kept)
    block = found[kept[0][0]]
    assert {part: events_of(value).identities.tolist() for part, value in block.items()} == {
        1: identities[:1], 3: identities[1:2], 5: identities[2:]
    }  # fmt: skip
    assert [list(found[verdict_name(identity)]) for identity in identities] == [[1], [3], [5]]
    assert list(found[action_name("a1")]) == list(found[strike_name(action_name("a1"))]) == [3]
    assert found[action_name("a2")].keys() == EVERY


def test_what_has_followed_from_verdicts_and_actions_says_where_its_user_is(tmp_path: Path) -> None:
    (user,) = users(5, 1)
    note = encode_note([follow_up(user, 1)])
    verdict = encode_known(Label("e", "spam", 0, "ann", sequence=3), 2, note)
    kept = [(VERDICT + b"12345678", verdict.encode()), (consequence_name(action_name("a")), note)]
    found = parted(tmp_path, *kept, (action_name("a"), b"\x01" * 8 + b"e"))
    known = decode_known(found[kept[0][0]][5].decode())
    assert known == decode_known(verdict)._replace(note=encode_note([follow_up(user, 5)]))
    assert found[kept[1][0]] == {5: encode_note([follow_up(user, 5)])}
    assert list(found[action_name("a")]) == [5]


def test_outcomes_of_before_it_was_noted_where_they_are_decided_are_told(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool") as spool:
        spooled(spool, [(MEETING + b"m", b"\x92\x90\x90")])
        places = Places(spool, OWN, BEFORE, TO, str)
        places.find_out()
        assert places.lost == 1
        assert list(Parts(spool, places, OWN)) == []


def test_a_spool_leaves_nothing_behind_and_takes_no_half_read_changelog(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "left").write_text("by one that was killed")
    with Spool(tmp_path / "spool") as spool:
        spooled(spool, [(b"e1", b"old"), (b"e2", b"gone"), (b"e1", b"new"), (b"e2", None)])
        assert [(one.key, one.value, one.written_ms) for one in spool.items()] == [(b"e1", b"new", 2)]
    assert list(tmp_path.iterdir()) == []


class Placed(Partitions):
    """Partitions among which keys are placed as Kafka's clients do it."""

    def place(self, key: bytes) -> int:
        return among(self.many)(key)

    def part(self, to: int, directory: Path) -> "Placed":
        """Many more of them, with the same state; what has been learned goes on."""
        more = Placed(to)
        more.examples = self.examples
        for own, database in enumerate(self.databases):
            with Spool(directory) as spool:
                spooled(spool, [(key, value) for key, value in database.values.items() if not key.startswith(INDEX)])
                places = Places(spool, own, self.many, to, str)
                places.find_out()
                assert (places.lost, places.strays) == (0, 0)
                for one in Parts(spool, places, own):
                    more.databases[one.partition].apply([(one.key, one.value)])
            for topic in ("events", "hops"):  # an old partition goes on, at its offsets
                more.logs[topic, own] = self.logs[topic, own]
                for place in (more.read, more.committed):
                    place[topic, own] = self.read[topic, own]
        return more


@pytest.mark.parametrize("seed", range(4))
def test_outcomes_under_way_are_learned_right_after_a_move(seed: int, tmp_path: Path) -> None:
    made, rng = made_up(seed), random.Random(seed)
    cluster = Placed(1 + seed % 3)
    cut = rng.randrange(100, len(made) - 50)
    for one in made[:cut]:
        cluster.send(one)
    while waiting := cluster.waiting():
        cluster.step(rng.choice(waiting), rng.randrange(1, 40))
    assert cluster.kept(MEETING) > 0
    assert cluster.kept(TIMER) > 0
    cluster = cluster.part(cluster.many * rng.choice((2, 3, 4)), tmp_path / "spool")
    for one in made[cut:]:
        cluster.send(one)
    while waiting := cluster.waiting():
        cluster.step(rng.choice(waiting), rng.randrange(1, 40))
    cluster.tell(120)
    cluster.run()
    learned = [f"{example.model} {example.event_id}" for example in cluster.learned()]
    assert len(learned) == len(set(learned))
    said = {model: dict(each.split(" ") for each in answers) for model, answers in cluster.answers().items()}
    assert said["negative"] == recounted(made, "impression", {"hide", "report"}, ("user_id", "target_id"))
    assert said["install"] == recounted(made, "click", {"install"}, ("device_id",))
    assert said["survey"].keys() == surveyed(made).keys()
    assert cluster.kept(MEETING) == cluster.kept(UNSCORED) == 0


def test_a_budget_of_entities_is_shared(tmp_path: Path) -> None:
    budget = EntityBudget()
    keys = [entity_record_key(("ip", f"10.0.0.{n}")) for n in range(40)]
    own = [key for key in keys if among(TO)(key[1:]) % BEFORE == OWN]
    for key in own:
        budget.admit("ip", key, 1_760_000_000_000, 100, hash64("ann"))
    provisional = budget.dump_provisional() or b""
    kept = [(ENTITY_BUDGET, budget.dump()), (PROVISIONAL, provisional), *((key, record()) for key in own)]
    found = parted(tmp_path, *kept)
    assert found[ENTITY_BUDGET].keys() == found[PROVISIONAL].keys() == EVERY
    for part in EVERY:
        share = load_entity_budget(found[ENTITY_BUDGET][part], found[PROVISIONAL][part])
        assert list(share.counts.values()) == [-(-len(own) // 3)]
        assert len(share.provisional["ip"]) == sum(among(TO)(key[1:]) == part for key in own)


def test_a_reply_goes_with_its_user_and_means_no_offset_there(tmp_path: Path) -> None:
    goes, stays = users(3, 1) + users(1, 1)
    notes = {reply_name(1, 1): Noted(hash64(goes), 7), reply_name(2, 1): Noted(hash64(stays), 7)}
    notes[reply_name(3, 1)] = Noted(hash64("nobody"), 7)
    kept = [(name, msgspec.msgpack.encode(note)) for name, note in notes.items()]
    found = parted(tmp_path, *kept, *((user_record_key(name), record()) for name in (goes, stays)))
    offsets = [{at: read_kept(value).offset for at, value in found[name].items()} for name in notes]  # type: ignore[union-attr]
    assert offsets == [{3: NEVER}, {1: 7}, {1: 7, 3: NEVER, 5: NEVER}]


def test_all_that_state_has_is_known_here() -> None:
    """A prefix of keys that is new has to be parted too: else no state that has such keys can be moved."""
    modules = [importlib.import_module(f"engine.state.{name}") for name in ("noted", "scored", "store", "timers")]
    declared = {value for module in modules for value in vars(module).values() if type(value) is bytes}
    unknown = {key for key in declared - {INDEX, FORGOTTEN} if not parts_know(key)}
    assert unknown == set()


def parts_know(key: bytes) -> bool:
    try:
        Parts(None, None, OWN)._part_of(key)  # type: ignore[arg-type]
    except StateError:
        return False
    return True


def test_what_waits_goes_with_its_user_and_knows_where_that_is(tmp_path: Path) -> None:
    (user,) = users(5, 1)
    absence = Timer(1_760_000_000_000, 3, follow_up(user, 1))
    answer = Answer(NOWHERE, "hidden", 1, "e", user, 1_760_000_000_000, 1, 2, True, 1_760_000_000_000, 0)
    unscored = unscored_name(2)
    over = OutcomeTimer(unscored, "hidden", 1, user_id=user)
    nobodys = OutcomeTimer(MEETING + b"gone", "hidden", 1, user_id=user)
    timers = [TIMER + bytes([at]) * 16 for at in range(3)]
    found = parted(
        tmp_path, (timers[0], encode_absence(absence)), (timers[1], encode_timer(over)),
        (timers[2], encode_timer(nobodys)), (unscored, encode_unscored([Unscored(answer, ["m"])])),
    )  # fmt: skip
    assert found[timers[0]] == {5: encode_absence(Timer(1_760_000_000_000, 3, follow_up(user, 5)))}
    assert found[timers[1]] == {5: encode_timer(over)}
    assert found[timers[2]] == {1: encode_timer(nobodys)}
    (kept,) = read_unscored(found[unscored][5])
    assert (kept.answer.user_partition, kept.learned) == (5, ["m"])


def test_who_waits_for_an_outcome_is_where_it_is_decided(tmp_path: Path) -> None:
    (user,) = users(5, 1)
    wait = Wait(1_760_000_000_000, 2, "e", user, 1)
    came = Came(1_760_000_000_000, hash64(user), True)
    device = next(key for key in (f"device_id\x00d{n}".encode() for n in range(100)) if among(TO)(key) == 3)
    meetings = {
        b"at its user": Meeting([wait], [], b""), b"came to its user": Meeting([], [came], b""),
        b"at a device": Meeting([wait], [came], device),
    }  # fmt: skip
    kept = [(MEETING + name, encode_meeting(meeting)) for name, meeting in meetings.items()]
    timers = [
        (MEETING_TIMER + bytes([at]) * 16, encode_timer(OutcomeTimer(MEETING + name, "o", 1, 2, user_id=user)))
        for at, name in enumerate(meetings)
    ]
    found = parted(tmp_path, (user_record_key(user), record()), *kept, *timers)
    assert [list(found[key]) for key, _ in (*kept, *timers)] == [[5], [5], [3]] * 2
    moved = {place: read_meeting(value) for key, _ in kept for place, value in found[key].items()}
    assert [wait.user_partition for meeting in moved.values() for wait in meeting.waits] == [5]
    assert moved[3] == Meeting([msgspec.structs.replace(wait, user_partition=5)], [came], device)
