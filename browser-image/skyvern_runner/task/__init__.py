"""What to do, and the secrets it may use."""
