"""The operations of the Tasks API, their routes and their OpenAPI document."""
