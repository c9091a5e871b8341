"""Secrets of a task. The model sees placeholders; a value is filled in only while typing, and only on its hosts."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from skyvern_runner.errors import SecretRefusedError
from skyvern_runner.task.totp import current_code

PLACEHOLDER: Final = re.compile(r"\{\{\s*secret:([a-z0-9_-]+)\s*\}\}")
"""How the model refers to a secret in the text of an action."""
MIN_MASKED: Final = 3
"""Length of the shortest value that is masked: masking shorter ones would hide ordinary text everywhere."""


@dataclass(frozen=True)
class Secret:
    """A value that may be typed on some hosts."""

    name: str
    value: str = field(repr=False)
    """The value, or an ``otpauth://`` URI, whose current code is typed."""
    hosts: tuple[str, ...]
    """Host names; ``*.example.com`` includes every subdomain."""

    @property
    def placeholder(self) -> str:
        """Stands for the value in everything that the model reads and writes."""
        return "{{secret:" + self.name + "}}"

    def allowed_on(self, host: str) -> bool:
        """Whether the value may be typed on ``host``."""
        return any(_matches(host.lower().rstrip("."), pattern.lower()) for pattern in self.hosts)

    def current(self) -> str:
        """The text to type now."""
        return current_code(self.value) if self.value.startswith("otpauth://") else self.value


class SecretBox:
    """All secrets of a task."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._secrets = {secret.name: secret for secret in secrets}
        # Longest first, so that a value that contains another is masked as a whole.
        self._masked = sorted(
            (secret for secret in self._secrets.values() if len(secret.value) >= MIN_MASKED),
            key=lambda secret: -len(secret.value),
        )

    def __iter__(self) -> Iterator[Secret]:
        return iter(self._secrets.values())

    def resolve(self, text: str, where: Callable[[], str]) -> str:
        """``text`` with every placeholder replaced; ``where`` returns the host where it is typed.

        Raises SecretRefusedError for an unknown name, and on any other host than the secret's.
        """

        def value(match: re.Match[str]) -> str:
            secret = self._secrets.get(match[1])
            if secret is None:
                known = ", ".join(self._secrets) or "none"
                raise SecretRefusedError(f"there is no secret {match[1]!r} (the task has: {known})")
            host = where()
            if not secret.allowed_on(host):
                raise SecretRefusedError(
                    f"the secret {secret.name!r} may not be typed on {host or 'this page'}, "
                    f"only on {', '.join(secret.hosts)}"
                )
            return secret.current()

        return PLACEHOLDER.sub(value, text)

    def refuse(self, text: str) -> None:
        """Raises SecretRefusedError if ``text``, which is not typed into a field, refers to a secret."""
        if match := PLACEHOLDER.search(text):
            raise SecretRefusedError(f"the secret {match[1]!r} can only be typed into a field, by input_text")

    def mask(self, text: str) -> str:
        """``text`` with every secret's value replaced by its placeholder."""
        for secret in self._masked:
            text = text.replace(secret.value, secret.placeholder)
        return text


def _matches(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host == pattern[2:] or host.endswith(pattern[1:])
    return host == pattern
