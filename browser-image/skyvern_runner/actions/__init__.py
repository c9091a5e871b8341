"""What the model may do on a page: one action each, carried out and read back."""
