"""The spans of a run, for a collector of traces."""
