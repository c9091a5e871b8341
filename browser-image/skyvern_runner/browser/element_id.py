"""Ids of elements, in the page and in frames of other origins."""


def join(prefix: str, element_id: str) -> str:
    """The id of an element inside the frame ``prefix``: the frame's id and three digits."""
    return prefix + element_id.rjust(3, "0") if prefix else element_id


def split(element_id: str) -> tuple[str, str]:
    """The frame's id (empty: the page itself) and the element's own id in it."""
    if len(element_id) <= 3:
        return "", element_id
    return element_id[:-3], element_id[-3:].lstrip("0")
