"""What is known: records of tasks and pods, and the keys that wait to be reconciled."""
