"""What the pointer does."""
