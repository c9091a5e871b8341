"""The local cache of the tasks, fed by a watch."""
