"""Takes in the cluster's objects: kopf's two watches, and the full lists that check them."""
