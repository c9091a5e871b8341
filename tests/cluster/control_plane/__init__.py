"""A control plane without nodes, or with simulated ones."""
