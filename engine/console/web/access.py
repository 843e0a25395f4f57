"""Who may do what: one table, for pages and for the JSON API. A route that is not in it cannot be served."""

from collections.abc import Mapping

from engine.console.store.roles import Role

EVERYBODY = frozenset(Role)
MODERATION = frozenset({Role.MODERATOR, Role.SENIOR, Role.ADMINISTRATOR})
SENIORS = frozenset({Role.SENIOR, Role.ADMINISTRATOR})
REVERSAL = frozenset({Role.SENIOR, Role.ANALYST, Role.OPERATOR, Role.ADMINISTRATOR})
ANALYSIS = frozenset({Role.ANALYST, Role.ADMINISTRATOR})
OPERATIONS = frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMINISTRATOR})
ADMINISTRATION = frozenset({Role.ADMINISTRATOR})

ACCESS: Mapping[str, frozenset[Role]] = {
    # Accounts
    "logout": EVERYBODY,
    "account": EVERYBODY,
    "change_password": EVERYBODY,
    # Overview
    "home": EVERYBODY,
    "live": EVERYBODY,
    "api_overview": EVERYBODY,
    "dead_letters": OPERATIONS,  # as they came: whoever reads them reads people's names
    "outgoing": EVERYBODY,
    "outgoing_retry": OPERATIONS,
    # Decisions
    "decisions": EVERYBODY,
    "decision": EVERYBODY,
    "decision_again": EVERYBODY,
    "decisions_csv": EVERYBODY,
    "decisions_parquet": EVERYBODY,
    "save_search": EVERYBODY,
    "drop_search": EVERYBODY,
    "api_decisions": EVERYBODY,
    "api_decision": EVERYBODY,
    "label": MODERATION,
    "revoke": REVERSAL,
    "add_note": EVERYBODY - {Role.VIEWER},
    # People and entities
    "find": EVERYBODY,
    "entity": EVERYBODY,
    "graph": EVERYBODY,
    "api_entity": EVERYBODY,
    # Review queue and moderators
    "queue": MODERATION,
    "queue_standing": MODERATION,
    "queue_next": MODERATION,
    "queue_skip": MODERATION,
    "queue_leave": MODERATION,
    "queue_verdict": MODERATION,
    "queue_undo": MODERATION,
    "queue_retract": MODERATION,
    "queue_break": MODERATION,
    "queue_alike": MODERATION,
    "queue_bulk": MODERATION,
    "queue_mine": MODERATION,
    "api_queue_next": MODERATION,
    "api_queue_verdict": MODERATION,
    "api_queue_undo": MODERATION,
    "api_queue_retract": MODERATION,
    "moderators": SENIORS | ANALYSIS,
    "moderator": SENIORS | ANALYSIS,
    "api_moderators": SENIORS | ANALYSIS,
    "golden_add": SENIORS,
    "golden_drop": SENIORS,
    "quarantine": SENIORS,
    # Rules
    "rule": EVERYBODY,
    "rules": EVERYBODY,
    "api_rules": EVERYBODY,
    "api_rule": EVERYBODY,
    "rule_pause": OPERATIONS,
    "rule_resume": OPERATIONS,
    "rule_promote": ANALYSIS,
    "rule_like": ANALYSIS,
    "rule_like_begin": ANALYSIS,
    "rule_editor": ANALYSIS,
    "draft_begin": ANALYSIS,
    "draft_save": ANALYSIS,
    "draft_drop": ANALYSIS,
    "draft_tests": ANALYSIS,
    "rule_form": ANALYSIS,
    "rules_check": ANALYSIS,
    "api_rules_check": ANALYSIS,
    "rules_schema": EVERYBODY,
    "rule_plan": ANALYSIS,
    "rule_push": ANALYSIS,
    "rule_history": EVERYBODY,
    "rule_difference": EVERYBODY,
    "rule_rollback": OPERATIONS,
    "api_rulebooks": EVERYBODY,
    "backtests": EVERYBODY,
    "backtest": EVERYBODY,
    "backtest_report": EVERYBODY,
    "backtest_start": ANALYSIS,
    "job_cancel": ANALYSIS,
    "api_backtests": EVERYBODY,
    # Live lists
    "lists": EVERYBODY,
    "list_change": OPERATIONS,
    "api_lists": EVERYBODY,
    # Models
    "models": EVERYBODY,
    "model_pin": OPERATIONS,
    "quarantine_preview": EVERYBODY,
    "api_models": EVERYBODY,
    # Simulator
    "simulator": EVERYBODY,
    "simulator_start": ANALYSIS,
    "simulation": EVERYBODY,
    # Programs
    "api_description": EVERYBODY,
    "metrics": EVERYBODY,
    # Audit log
    "audit": ADMINISTRATION,
    "api_audit": ADMINISTRATION,
}
"""Who may use a route, by its name."""
