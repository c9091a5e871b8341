"""The process and its two applications: the public API and the internal port."""
