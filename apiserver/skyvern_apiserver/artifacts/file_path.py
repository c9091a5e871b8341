"""The path of a file on either port: namespace, task, the task's uid and the file's name."""

import re
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from skyvern_apiserver.errors import ApiError
from skyvern_crds.ids import task_id_of
from skyvern_crds.rest.artifacts import ArtifactNameError, store_key
from skyvern_crds.vocabulary import OBJECT_NAME

_UID: Final = re.compile(r"[a-zA-Z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class FilePath:
    """A file of a task."""

    namespace: str
    task: str
    uid: str
    file: str
    key: str
    """Key in the object store."""


def read_file_path(request: Request) -> FilePath:
    """The file that the request's path names. Raises ApiError 404 for anything but a plain artifact name."""
    namespace, task, uid = read_task_path(request)
    file = request.path_params["file"]
    try:
        return FilePath(namespace, task, uid, file, store_key(namespace, task, uid, file))
    except ArtifactNameError as error:
        raise ApiError(404, str(error)) from None


def read_task_path(request: Request) -> tuple[str, str, str]:
    """Namespace, task and uid that the request's path names. Raises ApiError 404 for anything but legal names."""
    params = request.path_params
    namespace, task, uid = params["namespace"], params["task"], params["uid"]
    request.state.task_id = task_id_of(task)
    if not (OBJECT_NAME.fullmatch(namespace) and OBJECT_NAME.fullmatch(task) and _UID.fullmatch(uid)):
        raise ApiError(404, "Artifact not found")
    return namespace, task, uid
