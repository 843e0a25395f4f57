"""`floodgate console audit`: whether the audit log is as it was written."""

from pathlib import Path

from click.testing import CliRunner, Result

from engine.cli.console.audit import command
from engine.console.store import audit
from engine.console.store.database import open_store
from tests.console import START_MS, settings_of


def test_a_changed_entry_is_told(tmp_path: Path) -> None:
    settings = settings_of(store=f"sqlite:///{tmp_path / 'console.db'}")

    def run() -> Result:
        return CliRunner().invoke(command, obj=settings)

    assert run().exit_code == 0
    store = open_store(settings)
    with store.write() as connection:
        for number in range(3):
            audit.note(connection, START_MS, "ann", "labelled", f"event:e{number}")
    assert (run().exit_code, "the newest is 3" in run().output) == (0, True)
    with store.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_is_kept_UPDATE")
        connection.exec_driver_sql("UPDATE audit SET account = 'bob' WHERE id = 2")
    store.close()
    changed = run()
    assert (changed.exit_code, "1 (2)" in changed.output) == (1, True), changed.output
