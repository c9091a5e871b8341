"""Text that UTF-8 can hold."""


def well_formed(text: str) -> str:
    """``text`` with U+FFFD in place of each lone surrogate, which UTF-8 cannot hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
