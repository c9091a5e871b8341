"""Extracting information from the page in the shape of the user's schema."""
