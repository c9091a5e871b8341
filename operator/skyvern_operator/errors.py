"""Exceptions of the operator."""


class OperatorError(Exception):
    """Base of everything that the operator raises itself."""


class ConfigError(OperatorError):
    """The configuration cannot be used; the message names the file, the field and the remedy."""


class SetupError(OperatorError):
    """The cluster lacks something that the operator needs to start; the message names it."""


class StaleRecordError(OperatorError):
    """The object is not what the decision was made for; the fresh one is in the store, decide again."""


class CreateRetryError(OperatorError):
    """A pod could not be created for now; try again later."""


class DeadWatchError(OperatorError):
    """A watch does not deliver what a list shows: the process must restart."""
