"""A scripted, OpenAI-compatible server: it answers by rules over the page outline, no model is behind it."""
