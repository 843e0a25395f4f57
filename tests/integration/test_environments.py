"""Two environments on one Kafka: what is published for one changes nothing in the other."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from engine.stream.kafka.topics import create_topics
from tests.system import RULEBOOKS, System, wait_until

PASSIVE = """
version: 1
rules:
  nothing:
    event: post
    when: [event.word == "never"]
    then: {flag: word}
"""


def test_staging_cannot_push_on_production_nor_work_there(tmp_path: Path) -> None:
    (tmp_path / "staging.yaml").write_text(PASSIVE)
    with System(tmp_path) as production:
        production.push_rules(RULEBOOKS / "flood")
        worker = production.start_worker("one")
        wait_until(worker.ready, "it is ready")
        rulebook = worker.rulebook()
        ours, theirs = production.settings, msgspec.structs.replace(production.settings, app_id="staging")

        production.settings = theirs  # somebody who has set another `app_id` and the same topics
        with pytest.raises(subprocess.CalledProcessError) as refused:
            production.push_rules(tmp_path / "staging.yaml")
        assert "the topic rulebooks belongs to 'floodgate'" in refused.value.stderr
        create_topics(theirs)
        stranger = production.start_worker("stranger")
        assert stranger.wait_until_ended() == 2
        assert "belongs to 'floodgate'" in stranger.log.splitlines()[-1]

        production.publish_rulebook({"staging.yaml": PASSIVE}, for_app="staging")
        production.settings = ours
        wait_until(lambda: worker.metric("floodgate_updates_refused_total") == 1, "it is refused")
        assert worker.rulebook() == rulebook
        with pytest.raises(subprocess.CalledProcessError) as looked:
            production.run("status")
        assert rulebook in looked.value.stdout
        assert "is used by no worker: nobody who may has published it" in looked.value.stdout
