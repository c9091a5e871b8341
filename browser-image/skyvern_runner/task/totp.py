"""Time-based one-time codes (RFC 6238)."""

import re
from typing import Final

from skyvern_runner.errors import SecretRefusedError

_SHORT_KEY: Final = re.compile(r"(?<=[?&]secret=)(?:[A-Za-z2-7]{8}|[A-Za-z2-7]{16})(?=&|$)")


def current_code(uri: str) -> str:
    """The current code of an ``otpauth://totp/`` URI. Raises SecretRefusedError."""
    import pyotp  # noqa: PLC0415  # few tasks have such a secret

    # pyotp refuses keys below 112 bits, which many sites still hand out. HMAC itself pads keys with zero bytes.
    long_enough = _SHORT_KEY.sub(lambda match: match[0] + "A" * (24 - len(match[0])), uri)
    try:
        code = pyotp.parse_uri(long_enough)
    except ValueError as error:
        raise SecretRefusedError(f"the secret's otpauth URI cannot be used: {error}") from None
    if not isinstance(code, pyotp.TOTP):
        raise SecretRefusedError("the secret's otpauth URI is not of type totp")
    return code.now()
