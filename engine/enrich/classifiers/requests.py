"""What a classifier is told of an event: what has been declared, and no more."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from engine.enrich.answers import Missing
from engine.enrich.classifiers.options import HttpOptions
from engine.enrich.classifiers.templates import PROMPT, SENT, SENT_JSON, Template
from engine.enrich.enricher import RawEvent

_VERSION_DIGITS = 16
_LONGEST_PROMPT = 200_000


class Requests:
    """Makes the bodies of requests. Raises ValueError where the template or the prompt cannot be used."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._prompt = _read_prompt(options.prompt_file) if options.prompt_file else None
        self.version = sha256(self._prompt.encode()).hexdigest()[:_VERSION_DIGITS] if self._prompt is not None else ""
        """Of the prompt, if there is one: the beginning of its SHA-256."""
        names = {SENT, SENT_JSON, *(options.send if options.batch is None else ())}
        taken = {SENT, SENT_JSON, PROMPT} & options.send.keys()
        if taken:
            raise ValueError(f"`send` has the name `{min(taken)}`, which means something else in `request`")
        self._template = Template(
            f"${SENT}" if options.request is None else options.request, names | ({PROMPT} if self.version else set())
        )
        if not names & self._template.named:
            raise ValueError("`request` names nothing that is sent, such as `$sent`")

    def is_about(self, event: RawEvent) -> bool:
        """Whether an event has anything of what is sent."""
        return self._options.send_all or any(event.find(path) is not None for path in self._options.send.values())

    def sent(self, event: RawEvent) -> dict[str, Any]:
        """What is sent of an event. Raises Missing where it is too much."""
        if self._options.send_all:
            sent = {name: self._cut(value) for name, value in event.fields.items()}
        else:
            sent = {name: self._cut(event.find(path)) for name, path in self._options.send.items()}
        if len(_json(sent)) > self._options.max_sent_bytes:
            raise Missing("too_large")
        return sent

    def example(self) -> dict[str, Any]:
        """What is sent to see whether the service answers: it does not depend on what anybody has written."""
        return {**dict.fromkeys(self._options.send, ""), **self._options.example}

    def body(self, sent: Sequence[dict[str, Any]]) -> bytes:
        """The body of a request about so many events: one, where they do not go in batches."""
        whole: Any = list(sent) if self._options.batch is not None else sent[0]
        single: Mapping[str, Any] = {} if self._options.batch is not None else sent[0]
        values = {**single, SENT: whole, SENT_JSON: _json(whole).decode(), PROMPT: self._prompt}
        return _json(self._template.fill(values))

    def key(self, event: RawEvent) -> str:
        """The same for events of which the same is sent."""
        return sha256(orjson.dumps(self.sent(event), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def _cut(self, value: Any) -> Any:
        """Of a long text the head and the tail: who puts something long before or behind it gains nothing."""
        most = self._options.max_text_chars
        if not isinstance(value, str) or len(value) <= most:
            return value
        return f"{value[: most // 2]}\n{value[-(most // 2) :]}"


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # nested too deeply, or no Unicode
        raise Missing("cannot_be_sent") from None


def _read_prompt(path: str) -> str:
    try:
        prompt = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"`prompt_file` cannot be read: {error}") from error
    if not prompt.strip() or len(prompt) > _LONGEST_PROMPT:
        raise ValueError(f"`prompt_file` has 1 to {_LONGEST_PROMPT} characters")
    return prompt
