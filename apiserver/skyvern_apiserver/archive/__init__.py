"""The archive: tasks that have left the cluster, found by id and in lists by an index in the object store."""
