"""The handlers for files of tasks: uploads by runners, downloads by signed links."""
