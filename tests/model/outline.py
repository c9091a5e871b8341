"""Read the page outline that a prompt carries between <page> and </page>."""

import json
import re
from dataclasses import dataclass, field
from itertools import pairwise

_LINE = re.compile(
    r"""
    (?P<new>\*)? (?:\[(?P<id>[0-9a-z.]+)\]\s*)?       # a star for new, the id of something to act on
    (?P<role>[a-z][\w-]*)                            # its role
    (?:\s+(?P<name>"(?:[^"\\]|\\.)*"))?              # its name, JSON-quoted
    (?P<rest>.*)
    """,
    re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""(?P<key>[\w-]+)(?:=(?P<value>"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^\s"]+))?""")

FILLABLE = frozenset({"textbox", "searchbox", "spinbutton", "combobox", "slider"})
TYPED = frozenset({"date", "time", "datetime", "datetime-local", "month", "week", "color", "email", "tel", "password"})
CHECKABLE = frozenset({"checkbox", "radio", "switch", "menuitemcheckbox", "menuitemradio"})


@dataclass(frozen=True)
class Node:
    """One line of the outline."""

    role: str
    name: str
    depth: int
    id: str | None = None
    new: bool = False
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def value(self) -> str:
        """The control's present value, empty when none is shown."""
        return self.attributes.get("value", "")

    @property
    def checked(self) -> bool:
        """Whether a checkbox or radio is on."""
        return self.attributes.get("checked", "false") == "true"


@dataclass(frozen=True)
class Outline:
    """The nodes of a page in reading order."""

    nodes: tuple[Node, ...]

    def text(self) -> str:
        """Return all names and values, one a line: what a reader of the page sees."""
        return "\n".join(words for node in self.nodes for words in (node.name, node.value) if words)

    def headings(self) -> list[str]:
        """Return the names of the headings."""
        return [node.name for node in self.nodes if node.role == "heading"]

    def find(self, label: str, roles: frozenset[str] | None = None) -> Node | None:
        """Return the control with this label: the same words, else beginning with them, else holding them."""
        wanted = _plain(label)
        controls = [node for node in self.nodes if node.id and (roles is None or node.role in roles)]
        enabled = [node for node in controls if "disabled" not in node.attributes]
        for fits in (str.__eq__, str.startswith, str.__contains__):
            for node in enabled:
                if wanted and fits(_plain(node.name), wanted):
                    return node
        return None

    def value_after(self, label: str) -> str | None:
        """Return the text that follows the text `label`, as in a list of terms and values."""
        wanted = _plain(label)
        named = [node for node in self.nodes if node.name]
        for node, following in pairwise(named):
            if _plain(node.name) == wanted:
                return following.name
        return None


def _plain(label: str) -> str:
    text = re.sub(r"\s+", " ", label).strip().lower()
    return re.sub(r"\s*(\*|:|\(required\))+$", "", text)


def parse_outline(text: str) -> Outline:
    """Read the lines of an outline; lines that are not nodes (such as "... 12 more") become text."""
    return Outline(tuple(_node(line) for line in text.splitlines() if line.strip()))


def _node(line: str) -> Node:
    body = line.strip()
    depth = (len(line) - len(line.lstrip(" "))) // 2
    match = _LINE.fullmatch(body)
    if match is None or (match["id"] is None and match["name"] is None and match["rest"].strip()):
        return Node("text", body, depth)
    return Node(
        role=match["role"],
        name=json.loads(match["name"]) if match["name"] else "",
        depth=depth,
        id=match["id"],
        new=match["new"] is not None,
        attributes=_attributes(match["rest"]),
    )


def _attributes(text: str) -> dict[str, str]:
    attributes = {}
    for match in _ATTRIBUTE.finditer(text):
        value = match["value"]
        if value is None:
            value = "true"
        elif value.startswith('"'):
            value = json.loads(value)
        attributes[match["key"]] = value
    return attributes
