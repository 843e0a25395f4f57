"""What people do in the console."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody does here."""

    VIEWER = "viewer"
    MODERATOR = "moderator"
    SENIOR = "senior"
    ANALYST = "analyst"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
