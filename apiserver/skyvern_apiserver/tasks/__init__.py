"""The handlers for tasks and their steps."""
