"""Exceptions of the operator."""


class OperatorError(Exception):
    """Base of the operator's own exceptions."""


class ConfigError(OperatorError):
    """The configuration is unusable; the message names the file, the field and the remedy."""


class SetupError(OperatorError):
    """The cluster lacks something that the operator needs to start; the message names it."""


class StaleRecordError(OperatorError):
    """The object differs from the record that the decision was made for. The store has the new one: decide again."""


class CreateRetryError(OperatorError):
    """A pod cannot be created now; try again later."""


class ProfileError(OperatorError):
    """The task asks for a profile or a model that the configuration does not have."""


class NotLeadingError(OperatorError):
    """Another operator may hold the Lease, so this one must not write."""


class WebhookAddressError(OperatorError):
    """The operator may not call this webhook address."""


class ResultError(OperatorError):
    """The extracted information of a task cannot be read; the message says why."""


class LostResultError(ResultError):
    """It never will be read."""


class ArchiveError(OperatorError):
    """The final record of a task cannot be stored now; the task is kept until it can."""


class ArchiveBusyError(ArchiveError):
    """Others are being stored; try again later."""


class DeadWatchError(OperatorError):
    """A watch does not deliver what a list shows, so the process must restart."""


class RestoredError(OperatorError):
    """The cluster went back to an older state, which only a new process takes in."""
