"""The project's container images."""
