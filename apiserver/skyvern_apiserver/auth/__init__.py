"""Who calls: API keys of callers, tokens of runners."""
