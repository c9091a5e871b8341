"""The agent: looks at the page, asks the model, acts, checks completion, and reaches a verdict."""
