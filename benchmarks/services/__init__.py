"""The services in numbers: round trips, speed, limits, memories."""
