"""What the keyboard does."""
