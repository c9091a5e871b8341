"""What arrives: kopf's two watches, and the full lists that check them."""
