"""Reading requests and writing answers: bodies, queries, JSON, errors and their models."""
