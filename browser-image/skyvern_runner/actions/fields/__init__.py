"""Filling in fields."""
