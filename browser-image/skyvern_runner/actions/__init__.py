"""What the model may do on a page: one file per action."""
