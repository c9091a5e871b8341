"""The command that makes, lists and ends API keys."""
