"""The agent: looks at the page, asks the model, acts, checks completion, and ends with a verdict."""
