"""Requests and answers on the wire: bodies, queries, JSON, errors and their models."""
