"""The REST Tasks API as pure functions: requests become specs, stored tasks become answers, webhooks and links."""
