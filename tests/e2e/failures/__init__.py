"""The failure table: each failure produced on the node, and what its task says about it."""
