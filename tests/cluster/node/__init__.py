"""One real node on a bare Linux machine."""
