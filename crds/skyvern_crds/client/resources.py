"""Kinds of objects and the values that lists and watches yield."""

from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

from skyvern_crds.vocabulary import GROUP, PLURAL, VERSION

JsonObject = dict[str, Any]
"""A Kubernetes object as it is on the wire."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind by its place in the API's paths; ``group`` is empty for the core group."""

    group: str
    version: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """URL path of the collection, of an object or of its subresource; no namespace means all of them."""
        parts = ["api", self.version] if not self.group else ["apis", self.group, self.version]
        if namespace is not None:
            if not self.namespaced:
                raise ValueError(f"{self} has no namespaces: pass None instead of {namespace!r}")
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name is not None:
            if self.namespaced and namespace is None:
                raise ValueError(f"{self} is namespaced: {name!r} needs a namespace")
            parts.append(name)
            if subresource is not None:
                parts.append(subresource)
        return "/" + "/".join(quote(part, safe="") for part in parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


SKYVERNTASKS: Final = Resource(GROUP, VERSION, PLURAL)
PODS: Final = Resource("", "v1", "pods")
SECRETS: Final = Resource("", "v1", "secrets")
EVENTS: Final = Resource("", "v1", "events")
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list. All pages of one list are of the same moment, ``resource_version``."""

    items: list[JsonObject]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """A change, or with type BOOKMARK only a newer resource version."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: JsonObject

    @property
    def resource_version(self) -> str:
        """Resource version of the object; a watch can be resumed after it."""
        return str(self.object["metadata"]["resourceVersion"])
