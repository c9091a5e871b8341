"""The examples: the real API server takes each as it is, and the operator understands it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from skyvern_crds.client import SKYVERNTASKS, ClusterClient
from skyvern_crds.spec import SkyvernTaskSpec, parse_spec
from tests.cluster import ControlPlane
from tests.crds.conftest import CRD_FILE

EXAMPLES = Path(__file__).parents[3] / "crds" / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))


def documents(file: Path, kind: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document["kind"] == kind]


@pytest.mark.contract
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_example_is_accepted_and_read_back(
    file: Path, served: ControlPlane, client: ClusterClient, namespace: str
) -> None:
    served.run_kubectl("apply", "--namespace", namespace, "--validate=strict", "-f", str(file))
    stored = await client.get(SKYVERNTASKS, namespace, file.stem)
    (task,) = documents(file, "SkyvernTask")
    assert {name: stored["spec"][name] for name in task["spec"]} == task["spec"]
    assert parse_spec(stored["spec"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_secrets_that_an_example_names_are_in_its_file(file: Path) -> None:
    secrets = {secret["metadata"]["name"]: secret["stringData"] for secret in documents(file, "Secret")}
    (task,) = documents(file, "SkyvernTask")
    spec = SkyvernTaskSpec.model_validate(task["spec"])
    references = [secret.secret_key_ref for secret in spec.secrets or []]
    if spec.navigation_payload_from is not None:
        references.append(spec.navigation_payload_from.secret_key_ref)
    assert [ref for ref in references if ref.key not in secrets.get(ref.name, {})] == []
    assert secrets.keys() == {ref.name for ref in references}


def test_readme_lists_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text()
    assert [file.name for file in FILES if f"({file.name})" not in text] == []
    assert text.count(".yaml)") == len(FILES)


def test_examples_show_every_field_that_has_an_effect() -> None:
    """A field that is accepted without effect, for callers of the Tasks API, belongs in no example."""
    crd = yaml.safe_load(CRD_FILE.read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    without_effect = {name for name, schema in spec.items() if "Has no effect" in schema["description"]}
    shown = {name for file in FILES for task in documents(file, "SkyvernTask") for name in task["spec"]}
    assert len(without_effect) == 4
    assert shown == spec.keys() - without_effect
