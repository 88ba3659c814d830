"""Delete all that is a user's, and tell what is left to others."""
