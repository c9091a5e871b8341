"""Decides what to do: pure functions from known state to a list of actions."""
