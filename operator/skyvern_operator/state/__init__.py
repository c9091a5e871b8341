"""What the operator knows: records of tasks and pods, and the keys that wait to be reconciled."""
