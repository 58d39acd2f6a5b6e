"""What can go wrong with the embedded server."""

from glue.errors import GlueError


class ServerError(GlueError):
    """The embedded server cannot do what was asked; the message says what to do."""
