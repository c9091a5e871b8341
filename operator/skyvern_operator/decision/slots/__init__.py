"""Which waiting tasks may start: limits and shares, and the gate of a namespace where pods cannot be created. Pure."""
