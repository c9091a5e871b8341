"""The CustomResourceDefinition, generated from the models."""

from skyvern_crds.schema.crd import MAX_CRD_BYTES, custom_resource_definition, immutability_rules, openapi_schema
from skyvern_crds.schema.structural import SchemaError, structural_schema

__all__ = [
    "MAX_CRD_BYTES",
    "SchemaError",
    "custom_resource_definition",
    "immutability_rules",
    "openapi_schema",
    "structural_schema",
]
