"""Carries out decisions: pods, status writes, Events and webhooks."""
