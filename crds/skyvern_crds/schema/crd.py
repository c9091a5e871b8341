"""The CustomResourceDefinition of SkyvernTask, made from its models."""

from typing import Final

from skyvern_crds.schema.structural import VALIDATIONS, Schema, structural_schema
from skyvern_crds.spec import MUTABLE_SPEC_FIELDS, SkyvernTaskSpec
from skyvern_crds.status import SkyvernTaskStatus
from skyvern_crds.vocabulary import (
    CATEGORIES,
    CRD_NAME,
    GROUP,
    KIND,
    LIST_KIND,
    PLURAL,
    SHORT_NAMES,
    SINGULAR,
    TERMINAL_PHASES,
    VERSION,
    ConditionType,
)

MAX_CRD_BYTES: Final = 128 * 1024
"""A CRD that is larger troubles Helm (releases are Secrets) and kubectl apply (its annotation)."""


def immutability_rules(spec: Schema, mutable: tuple[str, ...]) -> list[Schema]:
    """One transition rule for each field that must not change, appear or vanish once the object exists.

    A field of any JSON has no type in CEL, which only names it on a ``dyn`` value; there it can be compared.
    """
    rules = []
    for name, node in spec["properties"].items():
        if name in mutable:
            continue
        now, before = ("self", "oldSelf") if node.get("type") else ("dyn(self)", "dyn(oldSelf)")
        same = f"{now}.{name} == {before}.{name}"
        if name not in spec.get("required", []):
            same = f"has({now}.{name}) == has({before}.{name}) && (!has({now}.{name}) || {same})"
        message = f"{name} is immutable: create a new task"
        rules.append({"rule": same, "message": message, "fieldPath": f".{name}", "reason": "FieldValueForbidden"})
    return rules


def root_rules() -> list[Schema]:
    """Rules over spec and status together: an ended task keeps its status, since rules inside it would go with it."""
    ended = ", ".join(f"'{phase}'" for phase in sorted(TERMINAL_PHASES))
    return [
        {
            "rule": "has(self.status) || !has(oldSelf.status) || !has(oldSelf.status.phase) "
            f"|| !(oldSelf.status.phase in [{ended}])",
            "message": "the task has ended: its status stays",
            "fieldPath": ".status",
            "reason": "FieldValueForbidden",
        }
    ]


def openapi_schema() -> Schema:
    """The schema of the whole object."""
    spec = structural_schema(SkyvernTaskSpec)
    spec[VALIDATIONS] = [*spec.get(VALIDATIONS, []), *immutability_rules(spec, MUTABLE_SPEC_FIELDS)]
    status = structural_schema(SkyvernTaskStatus, defaults=False)
    return {
        "type": "object",
        "description": "A task for a browser: where to start, what to do and what to bring back.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        VALIDATIONS: root_rules(),
    }


def _columns() -> list[Schema]:
    succeeded = f'.status.conditions[?(@.type=="{ConditionType.SUCCEEDED}")]'
    return [
        {"name": "Phase", "type": "string", "jsonPath": ".status.phase", "description": "Where the task stands."},
        {"name": "Reason", "type": "string", "jsonPath": f"{succeeded}.reason", "description": "Why it stands there."},
        {"name": "Steps", "type": "integer", "jsonPath": ".status.stepCount", "description": "Steps done."},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {
            "name": "Node", "type": "string", "jsonPath": ".status.nodeName", "priority": 1,
            "description": "Node of the task's pod.",
        },
        {
            "name": "Pod", "type": "string", "jsonPath": ".status.podName", "priority": 1,
            "description": "Pod of the current attempt.",
        },
        {
            "name": "Url", "type": "string", "jsonPath": ".spec.url", "priority": 1,
            "description": "Page that the task starts from.",
        },
    ]  # fmt: skip


def custom_resource_definition() -> Schema:
    """The CustomResourceDefinition of SkyvernTask."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD_NAME},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": LIST_KIND,
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": list(SHORT_NAMES),
                "categories": list(CATEGORIES),
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                    "selectableFields": [{"jsonPath": ".status.phase"}],
                    "schema": {"openAPIV3Schema": openapi_schema()},
                }
            ],
        },
    }
