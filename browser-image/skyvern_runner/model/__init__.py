"""The language model: prompts, replies, and the client of its server."""
