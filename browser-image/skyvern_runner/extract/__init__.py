"""Reading information off the page in the shape of the user's schema."""
