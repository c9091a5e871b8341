import base64
import hashlib
import hmac
import struct
import time

import pytest

from skyvern_runner.errors import SecretRefusedError
from skyvern_runner.task.task_secrets import Secret, SecretBox

BOX = SecretBox(
    [
        Secret("password", "hunter22", ("example.com", "*.bank.example")),
        Secret("longer", "hunter2222", ("example.com",)),
        Secret("pin", "42", ("example.com",)),
    ]
)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("example.com", True),
        ("EXAMPLE.com", True),
        ("example.com.", True),
        ("www.example.com", False),
        ("bank.example", True),
        ("login.bank.example", True),
        ("evilbank.example", False),
        ("example.com.evil.example", False),
        ("", False),
    ],
)
def test_secret_is_typed_on_its_hosts_only(host: str, allowed: bool) -> None:
    text = "{{secret:password}}"
    if allowed:
        assert BOX.resolve(text, lambda: host) == "hunter22"
    else:
        with pytest.raises(SecretRefusedError, match="may not be typed"):
            BOX.resolve(text, lambda: host)


def test_plain_text_is_left_alone_and_its_host_not_asked() -> None:
    def never() -> str:
        raise AssertionError("the host is of no interest")

    assert BOX.resolve("Chris {not a secret}", never) == "Chris {not a secret}"


def test_unknown_secret_is_refused_with_the_known_names() -> None:
    with pytest.raises(SecretRefusedError, match="password, longer, pin"):
        BOX.resolve("{{secret:nope}}", lambda: "example.com")


def test_values_are_masked_the_longest_first() -> None:
    assert BOX.mask("hunter2222 and hunter22") == "{{secret:longer}} and {{secret:password}}"


def test_value_too_short_to_distinguish_from_text_is_not_masked() -> None:
    assert BOX.mask("42 of 100") == "42 of 100"


def test_secret_outside_of_typing_is_refused() -> None:
    with pytest.raises(SecretRefusedError, match="only be typed into a field"):
        BOX.refuse("https://example.com/?p={{secret:password}}")


@pytest.mark.parametrize("key", ["JBSWY3DPEHPK3PXP", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"], ids=["80 bits", "160 bits"])
def test_otpauth_uri_becomes_its_current_code(key: str) -> None:
    box = SecretBox([Secret("code", f"otpauth://totp/example:chris?secret={key}&issuer=example", ("example.com",))])
    code = box.resolve("{{secret:code}}", lambda: "example.com")
    assert code in {rfc6238(key, time.time() + shift) for shift in (-30, 0)}


def rfc6238(key: str, moment: float) -> str:
    """The code, computed as the RFC says."""
    digest = hmac.digest(base64.b32decode(key), struct.pack(">Q", int(moment) // 30), hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def test_unusable_otpauth_uri_is_named() -> None:
    box = SecretBox([Secret("code", "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP", ("example.com",))])
    with pytest.raises(SecretRefusedError, match="otpauth"):
        box.resolve("{{secret:code}}", lambda: "example.com")


def test_value_is_not_in_the_repr() -> None:
    assert "hunter22" not in repr(Secret("password", "hunter22", ("example.com",)))
