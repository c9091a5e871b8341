"""A small job-application site: the pages that browser tasks are tried on."""
