"""What is done: pods, status writes, Events and webhooks."""
