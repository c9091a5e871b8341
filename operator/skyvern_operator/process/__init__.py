"""What every process has: logs, health endpoint, metrics."""
