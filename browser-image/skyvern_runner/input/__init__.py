"""How an action reaches the page: aiming, clicking, keys, and waiting for the effect."""
