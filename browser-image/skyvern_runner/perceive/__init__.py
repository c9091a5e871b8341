"""A look at the page: its elements as an outline within a budget."""
