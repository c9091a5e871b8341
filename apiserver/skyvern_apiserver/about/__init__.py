"""Handlers for what is about the service itself: its callers, its version, and a receiver for tests of webhooks."""
