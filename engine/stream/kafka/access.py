"""Who may read and write which topic, as Kafka's access lists: the least that each role needs."""

from dataclasses import dataclass

from engine.candidate_settings import OWN_TOPICS
from engine.settings import Settings
from engine.stream.kafka.topics import changelog_topic, former_changelogs, moving_topic


@dataclass(frozen=True, slots=True)
class Role:
    """A role, and what it may do. `groups` and `transactions`: names, or with a star behind them their
    beginnings; `watches`: groups of which it sees how far they are; `inspects`: whether it sees how the topics that it
    reads are configured; `empties`: what it may delete, or records of it; `sees`: of which topics it sees whether they
    are there; `ends`: groups that it may delete."""

    name: str
    does: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    inspects: bool = False
    transactions: tuple[str, ...] = ()
    empties: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


def enrich_group(settings: Settings) -> str:
    """The consumer group of the stage before `events`."""
    return f"{settings.app_id}-enrich"


def roles(settings: Settings) -> list[Role]:
    """All roles, with the topics under their configured names; of a candidate, those that are about it."""
    if settings.candidate.name:
        return _candidate_roles(settings)
    names, changelog, app_id = settings.topics, changelog_topic(settings), settings.app_id
    workers, former = settings.consumer_group, former_changelogs(settings)
    # Where people sign, a worker can do no more than publish once more what they have said.
    scores, replies = _scores(settings), (names.replies,) if settings.serve.surfaces else ()
    put_back = (names.rulebooks,) if settings.security.publishers_file is not None else ()
    group = enrich_group(settings)
    enrich = Role(
        "enrich", "runs `floodgate enrich`", reads=(names.raw_events, names.events),
        writes=(names.events, names.dead_letters), groups=(group,), transactions=(f"{group}-*",),
    )  # fmt: skip
    stage, groups = ([enrich], (group,)) if settings.enrichment.is_used else ([], ())
    ranking = Role("ranking", "reads scores", reads=scores, groups=(settings.in_environment("ranking*"),))
    raw = (names.raw_events,) if settings.enrichment.is_used else ()
    return [
        Role(
            "worker", "runs `floodgate worker`",
            reads=(names.events, names.labels, names.hops, names.examples, names.models, names.rulebooks, changelog),
            writes=(
                names.actions, names.decisions, names.hops, names.examples, names.models, names.review,
                names.dead_letters, changelog, *scores, *replies,
                *put_back,
            ),
            groups=(workers,), transactions=(f"{app_id}-*",), sees=(moving_topic(settings),),
        ),
        *stage,
        Role(
            "producer", "publishes events",
            writes=(names.raw_events,) if settings.enrichment.is_used else (names.events,),
        ),
        Role(
            "moderation", "reads what is worth a label and gives labels",
            reads=(
                names.review, names.labels, names.decisions, names.actions, names.rulebooks, names.events, names.models,
            ),
            writes=(names.labels,),
        ),
        Role(
            "policy", "pushes, pauses and tries rules, changes live lists",
            reads=(names.rulebooks, names.events, names.labels, names.decisions, names.actions, names.models),
            writes=(names.rulebooks,),
        ),
        Role(
            "operator",
            "forgets people, takes actions back, restores models, handles dead letters, looks how workers stand",
            reads=(
                names.events, names.labels, names.hops, names.examples, names.models, names.rulebooks, names.actions,
                names.decisions, names.review, names.dead_letters, changelog, *scores, *raw, *former,
            ),
            writes=(
                names.events, names.hops, names.examples, names.models, names.actions, names.rulebooks, names.labels,
                *raw, *former,
            ),
            watches=(workers, *groups), inspects=True, empties=(names.dead_letters,), sees=(moving_topic(settings),),
        ),
        Role(
            "enforcement", "carries actions out", reads=(names.actions,),
            groups=(settings.in_environment("enforcement*"),),
        ),
        Role(
            "delivery", "runs `floodgate deliver`", reads=(names.actions,), groups=(f"{app_id}-deliver-*",),
        ),
        Role(
            "warehouse", "runs `floodgate export`", reads=(names.decisions, names.actions, names.labels),
            groups=(f"{app_id}-export",),
        ),
        Role(
            "intake", "runs `floodgate intake`",
            reads=(names.events, *sorted({source.topic for source in settings.intake.sources.values()})),
            writes=(names.events, names.dead_letters), groups=(f"{app_id}-intake-*",),
        ),
        *([Role(
            "serve", "runs `floodgate serve`", reads=replies,
            writes=(names.raw_events,) if settings.enrichment.is_used else (names.events,),
        )] if replies else []),
        Role(
            "analysis", "reads and explains decisions", reads=(names.decisions, names.actions, names.rulebooks),
            groups=(settings.in_environment("analysis*"),),
        ),
        *([ranking] if scores else []),
    ]  # fmt: skip


def _candidate_roles(settings: Settings) -> list[Role]:
    names, changelog, group = settings.topics, changelog_topic(settings), settings.consumer_group
    own = {settings.candidate.own(getattr(names, topic)) for topic in (*OWN_TOPICS, "models")}
    written = tuple(sorted({*own, changelog} - ({settings.candidate.own(names.scores)} - set(_scores(settings)))))
    shared = (names.events, names.labels, names.models, names.rulebooks)
    return [
        Role(
            "worker", "runs `floodgate worker --as`", reads=tuple(sorted({*shared, *written})), writes=written,
            groups=(group,), transactions=(f"{settings.app_id}-*",),
        ),
        Role(
            "operator", "compares candidates, promotes and drops them",
            reads=tuple(sorted({names.events, names.labels, *written})), watches=(group,), empties=written,
            ends=(group,),
        ),
    ]  # fmt: skip


def _scores(settings: Settings) -> tuple[str, ...]:
    return (settings.topics.scores,) if settings.publish_scores else ()


def commands(settings: Settings, principal: str) -> list[str]:
    """One line for each access list, as Kafka's `kafka-acls.sh` takes it. `principal`: how a role's user is called,
    with `{}` for the role."""
    lines = []
    for role in roles(settings):
        who = f"kafka-acls.sh --bootstrap-server {settings.brokers} --add"
        who += f" --allow-principal '{principal.format(role.name)}'"
        lines.append(f"# {role.name}: {role.does}")
        lines += [f"{who} --operation Read --operation Describe --topic {topic}" for topic in role.reads]
        lines += [f"{who} --operation Write --operation Describe --topic {topic}" for topic in role.writes]
        lines += [f"{who} --operation Delete --operation Describe --topic {topic}" for topic in role.empties]
        lines += [f"{who} --operation Describe --topic {topic}" for topic in role.sees]
        if role.inspects:
            lines += [f"{who} --operation DescribeConfigs --topic {topic}" for topic in role.reads]
        if role.writes:
            lines.append(f"{who} --operation IdempotentWrite --cluster")
        lines += [f"{who} --operation Read --group {_named(group)}" for group in role.groups]
        lines += [f"{who} --operation Describe --group {_named(group)}" for group in role.watches]
        lines += [f"{who} --operation Delete --group {_named(group)}" for group in role.ends]
        for name in role.transactions:
            lines.append(f"{who} --operation Write --operation Describe --transactional-id {_named(name)}")
    return lines


def _named(name: str) -> str:
    return f"{name.removesuffix('*')} --resource-pattern-type prefixed" if name.endswith("*") else name
