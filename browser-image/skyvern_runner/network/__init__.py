"""The only way from the browser, and for files, to the network: by policy, with a pinned address."""
