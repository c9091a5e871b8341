"""Settings, logs and metrics of the process."""
