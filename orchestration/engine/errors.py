"""The one exception whose message a user is meant to read."""


class CardwatchError(Exception):
    """A user's mistake or a problem of the environment.

    The message is one sentence that says what is wrong, where, and what to do.
    """
