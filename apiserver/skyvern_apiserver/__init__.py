"""The facade: the REST Tasks API over SkyvernTask objects, and the artifacts gateway."""
