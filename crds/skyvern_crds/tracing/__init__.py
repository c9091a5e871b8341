"""Traces: the ids that every program computes alike, what a span says, and its way to a collector."""
