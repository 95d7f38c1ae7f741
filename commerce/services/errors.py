"""Why a change was not made: in words for a customer's agent and for a developer, with a slug for programs."""


class CommerceError(Exception):
    """A change that the shop's rules do not allow; nothing was changed.

    Attributes:
        code: a slug that stays the same, such as "wrong_status".
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotFound(CommerceError):  # noqa: N818 (named for what happened)
    """Nothing of that name that this customer may know of: missing, or of somebody else."""

    def __init__(self, message: str) -> None:
        super().__init__("not_found", message)
