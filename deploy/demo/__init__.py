"""A realistic data set for the local stack, and some minutes of chat traffic on it."""
