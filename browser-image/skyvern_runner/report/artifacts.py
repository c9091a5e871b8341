"""Artifacts, stored in the background, through the gateway or in a folder. Each one fails alone."""

import hashlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

import urllib3

from skyvern_crds.backoff import full_jitter
from skyvern_crds.rest.artifacts import UPLOAD_PATH, check_name, store_key
from skyvern_crds.status import Artifact
from skyvern_runner.errors import UploadError
from skyvern_runner.report.events import Observer, Warned
from skyvern_runner.task.task import Identity

QUEUE_LENGTH: Final = 64
"""Files that may wait for their upload. Further ones are dropped, so that a dead gateway costs no memory."""
RETRY_SECONDS: Final = 20.0
"""How long to retry one file."""
_FIRST_BACKOFF: Final = 0.4
_MAX_BACKOFF: Final = 4.0
_TIMEOUT: Final = urllib3.Timeout(connect=5.0, read=20.0)

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
JSON: Final = "application/json"


@dataclass(frozen=True)
class File:
    """A file to store."""

    name: str
    content_type: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Digest of the bytes, lower-case hex."""
        return hashlib.sha256(self.data).hexdigest()

    def artifact(self) -> Artifact:
        """Its entry in the status."""
        return Artifact(name=self.name, content_type=self.content_type, size=len(self.data), sha256=self.sha256)


class Store(Protocol):
    """Stores one file."""

    def put(self, file: File, deadline: float) -> None:
        """Store the file; give up at the monotonic time ``deadline``. Raises UploadError."""


class FolderStore:
    """A local folder, for the command line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, file: File, deadline: float) -> None:
        """Write the file."""
        path = self._folder / check_name(file.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
        except OSError as error:
            raise UploadError(f"{path} cannot be written: {error.strerror}; choose another folder") from None


class GatewayStore:
    """The artifacts gateway. The pod's bound token is read again for each file, since the kubelet rotates it."""

    def __init__(self, url: str, identity: Identity, token_file: Path) -> None:
        self._url = url.rstrip("/")
        self._identity = identity
        self._token_file = token_file
        self._pool = urllib3.PoolManager(maxsize=1, timeout=_TIMEOUT, retries=False)

    def put(self, file: File, deadline: float) -> None:
        """PUT the file, with retries for errors that may pass. Raises UploadError."""
        who = self._identity
        url = f"{self._url}{UPLOAD_PATH}/{quote(store_key(who.namespace, who.name, who.uid, file.name))}"
        failures = 0
        while (problem := self._send(url, file)) is not None:
            failures += 1
            pause = full_jitter(failures, first=_FIRST_BACKOFF, longest=_MAX_BACKOFF)
            if time.monotonic() + pause > deadline:
                raise UploadError(f"{file.name} was not stored: {problem}")
            time.sleep(pause)

    def _send(self, url: str, file: File) -> str | None:
        """One attempt. None when stored, else the problem, which may pass. Raises UploadError for one that will not."""
        try:
            token = self._token_file.read_text(encoding="ascii").strip()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": file.content_type}
            response = self._pool.request("PUT", url, body=file.data, headers=headers)
        except OSError as error:
            return f"the token {self._token_file} cannot be read: {error.strerror}"
        except urllib3.exceptions.HTTPError as error:
            return f"the gateway {self._url} cannot be reached: {error}"
        if response.status in {200, 201, 204}:
            return None
        problem = f"the gateway answers HTTP {response.status}: {response.data[:200].decode(errors='replace')}"
        # 401 and 403 go away once the operator has recorded the pod in the task's status.
        if response.status in {401, 403, 408, 409, 429} or response.status >= 500:
            return problem
        raise UploadError(f"{file.name} was not stored: {problem}")


class Uploader:
    """Stores files one after another in a background thread."""

    def __init__(self, store: Store | None, observer: Observer, stored: Callable[[Artifact], None]) -> None:
        self._store = store
        self._observer = observer
        self._stored = stored
        self._queue: queue.Queue[File | None] = queue.Queue(QUEUE_LENGTH)
        self._deadline = float("inf")
        self._thread: threading.Thread | None = None

    @property
    def enabled(self) -> bool:
        """Whether files are stored at all."""
        return self._store is not None

    def put(self, file: File) -> None:
        """Queue a file. When the queue is full, the file is dropped with a warning."""
        if self._store is None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(self._store,), name="uploader", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(file)
        except queue.Full:
            self._observer.notify(
                Warned("upload", f"{file.name} was not stored: {QUEUE_LENGTH} files are waiting already")
            )

    def flush(self, seconds: float) -> bool:
        """Store what is queued, for at most ``seconds``, and stop. Returns whether every file was tried."""
        if self._thread is None:
            return True
        end = time.monotonic() + seconds
        self._deadline = end
        try:
            self._queue.put(None, timeout=max(0.0, seconds))
        except queue.Full:
            return False
        self._thread.join(max(0.0, end - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self, store: Store) -> None:
        while (file := self._queue.get()) is not None:
            try:
                store.put(file, min(self._deadline, time.monotonic() + RETRY_SECONDS))
            except UploadError as error:
                self._observer.notify(Warned("upload", str(error)))
            else:
                self._stored(file.artifact())
