"""The error for a user's mistake, and those kinds of it that a program may want to tell apart."""


class InputError(ValueError):
    """What was given cannot be used; the message says where, what was found and what to do.

    The command line prints it on one line and ends with code 2; a library user catches it as a `ValueError`.

    Args:
        found: what is wrong, as found.
        where: file, line and field, as `train.de:17` or `task.json: target`.
        expected: what would have been right.
        remedy: what to type or change next.
    """

    def __init__(self, found: str, *, where: object = "", expected: str = "", remedy: str = ""):
        self.found, self.where, self.expected, self.remedy = found, str(where), expected, remedy
        message = f"{self.where}: {found}" if self.where else found
        if expected:
            message += f"; expected {expected}"
        if remedy:
            message += f". {remedy[0].upper()}{remedy[1:]}"
        super().__init__(message if message.endswith((".", "?", "!")) else message + ".")


class TooManyRejects(InputError):
    """More rows of a corpus were left out than may be."""


class WorkerLost(InputError):
    """Another process of a training is gone or does not answer; what the chief saved is good."""


class AllDamaged(InputError):
    """There are checkpoints, and not one of them is whole: training must not begin at the first step in silence."""
