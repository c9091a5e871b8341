"""What the process is configured with and what it reports: settings, logs, metrics."""
