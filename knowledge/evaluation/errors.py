"""What can be wrong with what somebody wants evaluated."""


class EvaluationError(ValueError):
    """A file, a set or a run cannot be used; the text says why, and of a file which line."""
