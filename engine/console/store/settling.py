"""Which cases wait: those that nobody has answered, here or elsewhere.

A label answers the cases of its event, whether it has come on its topic or is on its way there, and the revocation of
its action does. A retraction opens them again. An appeal is against what was said before it: only what
somebody else says after it answers it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select, update

from engine.console.store.followed import ACTIONS, CASES, LABELS, REVOCATIONS
from engine.console.store.own import VERDICTS
from engine.console.store.parts import in_parts

APPEAL = "appeal"
_RETRACTED = "retracted"


class Answer(NamedTuple):
    """What was said of an event last. `who`: empty where the label does not say."""

    ts: int
    label: str
    who: str

    @property
    def stands(self) -> bool:
        """Whether it has not been taken back."""
        return self.label != _RETRACTED


def settle_cases(connection: Connection, event_ids: Iterable[str]) -> None:
    """Close the cases of these events that are answered, and open the others."""
    for ids in in_parts(sorted(event_ids)):
        answers = find_answers(connection, ids)
        revoked, standing = _acted_on(connection, ids)
        changed: dict[bool, list[int]] = {True: [], False: []}
        for case in connection.execute(select(CASES).where(CASES.c.event_id.in_(ids))):
            is_open = not _is_answered(case, answers.get(case.event_id, []), revoked, standing)
            if is_open != case.is_open:
                changed[is_open].append(case.id)
        for is_open, numbers in changed.items():
            for some in in_parts(numbers):
                connection.execute(update(CASES).where(CASES.c.id.in_(some)).values(is_open=is_open))


def last_answers(connection: Connection, event_ids: Collection[str]) -> dict[str, Answer]:
    """What was said last of each of these events, on the topic or here."""
    return {event_id: said[-1] for event_id, said in find_answers(connection, event_ids).items()}


def find_answers(connection: Connection, event_ids: Collection[str]) -> dict[str, list[Answer]]:
    """All that was said of each of these events, on the topic or here, in the order of time."""
    labels = select(LABELS.c.event_id, LABELS.c.ts, LABELS.c.label, LABELS.c.moderator.label("who"))
    verdicts = select(VERDICTS.c.event_id, VERDICTS.c.ts, VERDICTS.c.label, VERDICTS.c.account.label("who"))
    goes_out = VERDICTS.c.outgoing.is_not(None) & VERDICTS.c.undone_ms.is_(None)
    rows = [
        *connection.execute(labels.where(LABELS.c.event_id.in_(event_ids)).order_by(LABELS.c.id)),
        *connection.execute(verdicts.where(VERDICTS.c.event_id.in_(event_ids), goes_out).order_by(VERDICTS.c.id)),
    ]
    said: dict[str, list[Answer]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.ts):
        said[row.event_id].append(Answer(row.ts, row.label, row.who))
    return said


def _is_answered(
    case: Row[Any], said: Sequence[Answer], revoked: Collection[str], standing: Collection[str]
) -> bool:  # fmt: skip
    is_labelled = bool(said) and said[-1].stands
    if case.source != APPEAL:
        return is_labelled or case.event_id in revoked
    before = {answer.who for answer in said if answer.ts <= case.ts and answer.who}
    is_heard = any(answer.stands and answer.ts > case.ts and answer.who not in before for answer in said)
    return (is_labelled and is_heard) or (case.event_id in revoked and case.event_id not in standing)


def _acted_on(connection: Connection, event_ids: Collection[str]) -> tuple[set[str], set[str]]:
    """Of these events, those with an action that is revoked, and those with one that stands."""
    query = select(ACTIONS.c.event_id, REVOCATIONS.c.action_id).outerjoin(
        REVOCATIONS, REVOCATIONS.c.action_id == ACTIONS.c.action_id
    )
    revoked: set[str] = set()
    standing: set[str] = set()
    for event_id, revocation in connection.execute(query.where(ACTIONS.c.event_id.in_(event_ids))):
        (standing if revocation is None else revoked).add(event_id)
    return revoked, standing
