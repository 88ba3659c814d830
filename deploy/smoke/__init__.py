"""The proof that a deployed stack works, with a user made for it and removed after."""
