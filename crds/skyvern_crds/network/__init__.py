"""Where programs of a task may connect to: addresses by kind, and the policy of the browser."""
