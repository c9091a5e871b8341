"""The runner's exceptions. Messages name the thing and the remedy, and carry no secret."""

from enum import StrEnum

from pydantic import ValidationError


class RunnerError(Exception):
    """Base of every error that the runner raises on purpose."""


class TaskError(RunnerError):
    """The task document, the command line or a file they name cannot be used."""


class ModelErrorKind(StrEnum):
    """What is wrong with the language model or its server."""

    NO_KEY = "no_key"
    """No API key is set."""
    WRONG_KEY = "wrong_key"
    """The server refuses the key."""
    UNREACHABLE = "unreachable"
    """No connection, or server errors."""
    RATE_LIMITED = "rate_limited"
    """The server limits requests, or the account's quota is used up."""
    TIMEOUT = "timeout"
    """No answer in time."""
    NONSENSE = "nonsense"
    """The replies are not usable."""
    OTHER = "other"
    """The server refuses the request: unknown model, too long, and the like."""


class ModelError(RunnerError):
    """The language model could not be used; the message names cause and remedy."""

    def __init__(self, kind: ModelErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class ReplyError(RunnerError):
    """The model's reply cannot be used; the message tells the model what to change."""


class ActionFailedError(RunnerError):
    """An action cannot be carried out; the message becomes its result."""


class SecretRefusedError(RunnerError):
    """A secret may not be typed where the model wanted it."""


class UploadError(RunnerError):
    """An artifact could not be stored."""


class ReportError(RunnerError):
    """A report was not accepted."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing
        """Whether a retry may succeed."""


class FirstReportError(RunnerError):
    """No report was accepted before the agent was to begin, so it did nothing."""


class Stopped(BaseException):
    """The run was asked to stop. Like KeyboardInterrupt it does not derive from Exception."""


class HostRefusedError(RunnerError):
    """The policy does not allow a connection to a host; the message says why."""


class BrowserError(RunnerError):
    """Base of what goes wrong with the browser and its pages."""


class BrowserStartError(BrowserError):
    """No browser session could be started."""


class BrowserLostError(BrowserError):
    """The browser, its tab or its driver died or does not answer; a new session is needed."""


class DialogWaitsError(BrowserError):
    """A dialog of the page waits for an answer; until then nothing else can be done on the page."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"a dialog asks {text!r} and waits: answer it with answer_dialog")
        self.kind = kind
        """``confirm`` or ``prompt``."""
        self.text = text


class PageErrorKind(StrEnum):
    """Why an address shows no page."""

    UNREACHABLE = "unreachable"
    """No connection (name, network, refused), or an address that the browser does not open."""
    REFUSED = "refused"
    """The policy does not allow the address, or one that it redirects to."""
    HTTP = "http"
    """The server answered with a status of 400 or more."""
    CERTIFICATE = "certificate"
    """The server's certificate is not valid."""
    DOWNLOAD = "download"
    """The address leads to a file or an empty response, not to a page."""
    TIMEOUT = "timeout"
    """The page took too long."""


class PageLoadError(BrowserError):
    """An address shows no page; the message names the address and the cause."""

    def __init__(self, kind: PageErrorKind, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


class FileSourceError(BrowserError):
    """A file to upload into a page is unavailable."""


def describe_invalid(error: ValidationError) -> str:
    """A validator's complaints in one line: the first five, each with its field."""
    problems = (f"{'.'.join(map(str, item['loc'])) or 'the object'}: {item['msg']}" for item in error.errors()[:5])
    return "; ".join(problems)


def first_line(error: BaseException) -> str:
    """The message of an exception without its stack."""
    text = getattr(error, "msg", None) or str(error)
    return text.strip().split("\n", 1)[0][:300] or type(error).__name__
