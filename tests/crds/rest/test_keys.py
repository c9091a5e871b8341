"""Keys derived from the release's: one for each purpose."""

from pathlib import Path

import pytest

from skyvern_crds.__main__ import main
from skyvern_crds.rest.keys import archive_key, artifact_link_key, hkdf, webhook_key

RELEASE_KEY = b"0123456789abcdef0123456789abcdef"


def test_derivation_is_hkdf() -> None:
    """The first test case of RFC 5869, A.1."""
    made = hkdf(
        bytes.fromhex("0b" * 22), bytes.fromhex("000102030405060708090a0b0c"), bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), 42
    )
    assert made.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"


def test_keys_stay_the_same_from_version_to_version() -> None:
    """A change would break every link that was given out, and every receiver."""
    assert artifact_link_key(RELEASE_KEY).hex() == "8df4f2339b973415c6ba81b93aef010a1b2931b7dc14917407b5bbb9f281814d"
    assert webhook_key(RELEASE_KEY, "jobs") == b"c9371a525b894d7ec64d90972215eaab29ce28b7942e33eae8497a66fd934068"


def test_each_purpose_and_each_namespace_has_a_key_of_its_own() -> None:
    keys = {RELEASE_KEY, artifact_link_key(RELEASE_KEY), archive_key(RELEASE_KEY)}
    keys |= {webhook_key(RELEASE_KEY, "a"), webhook_key(RELEASE_KEY, "b"), webhook_key(RELEASE_KEY + b"x", "a")}
    assert len(keys) == 6


def test_administrator_can_print_the_key_of_a_namespaces_webhooks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "signing-key"
    file.write_bytes(RELEASE_KEY + b"\n")
    assert main(["webhook-key", "jobs", "--key-file", str(file)]) == 0
    assert capsys.readouterr().out == webhook_key(RELEASE_KEY, "jobs").decode() + "\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["webhook-key", "jobs", "--key-file", "/nowhere"], "--key-file: /nowhere cannot be read"),
        (["webhook-key", "Jobs/x", "--key-file", "/nowhere"], "'Jobs/x' is not the name of a namespace"),
    ],
)
def test_wrong_argument_is_named(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err
