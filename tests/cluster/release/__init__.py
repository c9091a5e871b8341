"""The chart's release in a cluster, and what runs beside it."""
