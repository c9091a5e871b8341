"""Deliveries of webhooks: which is next, where it may go, how it is signed and what its answer means."""
