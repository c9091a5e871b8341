"""The machine below: Debian packages, and the programs that have to be installed."""
