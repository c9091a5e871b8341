"""The object store that keeps the files of tasks."""
