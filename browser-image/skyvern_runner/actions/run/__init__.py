"""The run itself: its end, and what it remembers."""
