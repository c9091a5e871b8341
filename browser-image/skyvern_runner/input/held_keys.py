"""Keys that are held down from one action to the next."""

from skyvern_runner.input.keys import MODIFIER_BITS, Key


class HeldKeys:
    """The keys that are down, by their code, in the order in which they were pressed."""

    def __init__(self) -> None:
        self._down: dict[str, Key] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the keys that are down."""
        return tuple(key.key for key in self._down.values())

    @property
    def modifiers(self) -> int:
        """Bits of the modifiers among them."""
        bits = 0
        for key in self._down.values():
            bits |= MODIFIER_BITS.get(key.key, 0)
        return bits

    def __contains__(self, key: Key) -> bool:
        return _code(key) in self._down

    def add(self, key: Key) -> None:
        """The key went down."""
        self._down[_code(key)] = key

    def remove(self, key: Key) -> None:
        """The key went up."""
        self._down.pop(_code(key), None)


def _code(key: Key) -> str:
    return key.code or key.key
