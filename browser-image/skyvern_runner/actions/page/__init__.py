"""The page as a whole: moving on it, leaving it, reading it."""
