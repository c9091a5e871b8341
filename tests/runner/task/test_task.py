from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skyvern_crds.runner_contract import TaskDocument
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_runner.errors import TaskError
from skyvern_runner.task.task import Task, check_url, model_settings, read_document, read_json, task_of

Write = Callable[[str, str], Path]


def document(**spec: Any) -> TaskDocument:
    whole = SkyvernTaskSpec.model_validate({"url": "https://jobs.example.com/"} | spec)
    return TaskDocument(name="apply", namespace="jobs", uid="u-1", attempt=1, spec=whole)


def test_document_becomes_a_task_with_payload_and_secrets_from_files(write: Write, tmp_path: Path) -> None:
    payload = write("payload/payload.json", '{"name": "Chris"}')
    write("secrets/password", "hunter22\n")
    spec = {
        "navigationGoal": "Apply",
        "navigationPayloadFrom": {"secretKeyRef": {"name": "chris", "key": "payload.json"}},
        "secrets": [
            {"name": "password", "secretKeyRef": {"name": "chris", "key": "pw"}, "hosts": ["jobs.example.com"]}
        ],
        "maxSteps": 7,
        "model": {"modelName": "another"},
    }
    path = write("task.json", document(**spec).model_dump_json(by_alias=True))
    task = task_of(read_document(path), payload_file=payload, secrets_dir=tmp_path / "secrets")
    assert task.payload == {"name": "Chris"}
    assert task.secrets.resolve("{{secret:password}}", lambda: "jobs.example.com") == "hunter22"
    assert (task.max_steps, task.max_retries, task.model_name) == (7, 3, "another")
    assert "hunter22" not in repr(task)
    assert "Chris" not in repr(task)


def test_missing_document_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"nowhere\.json.*No such file.*downward API"):
        read_document(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("text", "field"),
    [("", "Invalid JSON"), ("{}", "spec: Field required"), ('{"spec": {"url": "ftp://x"}}', "spec.url")],
)
def test_wrong_document_names_the_field(write: Write, text: str, field: str) -> None:
    with pytest.raises(TaskError, match=field):
        read_document(write("task.json", text))


def test_missing_payload_names_its_secret(tmp_path: Path) -> None:
    spec = {"navigationPayloadFrom": {"secretKeyRef": {"name": "chris", "key": "payload.json"}}}
    with pytest.raises(TaskError, match=r"Secret chris, key payload\.json"):
        task_of(document(**spec), payload_file=tmp_path / "none", secrets_dir=tmp_path)


def test_missing_secret_is_named(tmp_path: Path) -> None:
    spec = {"secrets": [{"name": "pw", "secretKeyRef": {"name": "chris", "key": "k"}, "hosts": ["example.com"]}]}
    with pytest.raises(TaskError, match=r"secret pw \(Secret chris, key k\)"):
        task_of(document(**spec), payload_file=tmp_path / "none", secrets_dir=tmp_path)


def test_hosts_of_the_task_are_its_only_ones_and_are_checked(tmp_path: Path) -> None:
    def task(**spec: object) -> Task:
        return task_of(document(**spec), payload_file=tmp_path / "none", secrets_dir=tmp_path)

    assert task().allowed_hosts is None
    assert task(allowedHosts=["*.example.com"]).allowed_hosts == ("*.example.com",)
    with pytest.raises(TaskError, match=r"allowedHosts: '1\.2\.3' names no host: give a host such as"):
        task(allowedHosts=["1.2.3"])


def test_file_that_is_not_valid_json_is_named_with_the_place(write: Write) -> None:
    with pytest.raises(TaskError, match=r"--schema: .*schema\.json is not valid JSON: .*line 1"):
        read_json(write("schema.json", "{type: object}"), "--schema")


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com", "http://", "http://a b/", "http://[::1"])
def test_text_that_is_not_a_web_address_is_refused(url: str) -> None:
    with pytest.raises(TaskError, match="--url"):
        check_url(url, "--url")


def test_tasks_model_wins_over_the_environment() -> None:
    environment = {"SKYVERN_MODEL": "one", "OPENAI_API_KEY": "", "OPENAI_BASE_URL": "http://model/v1"}
    settings = model_settings(environment, name="two")
    assert (settings.model, settings.api_key, settings.base_url) == ("two", None, "http://model/v1")
    assert model_settings(environment).model == "one"


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("https://files.example/cv.pdf", True),
        ("letter.pdf", True),
        ("https://files.example/other.pdf", False),
        ("/etc/passwd", False),
        ("", False),
    ],
)
def test_only_files_that_the_user_named_may_be_uploaded(source: str, named: bool) -> None:
    task = Task(
        url="https://jobs.example.com/",
        goal="Apply with letter.pdf",
        payload={"files": [{"resume": "https://files.example/cv.pdf"}]},
    )
    assert task.names_file(source) is named
