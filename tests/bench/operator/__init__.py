"""The operator against the Job controller of the same cluster: pace, latency, cost and memory."""
