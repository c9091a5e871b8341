"""The process: logs, health endpoint, metrics, and what keeps one object's errors from the others."""
