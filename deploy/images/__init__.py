"""Images that were there before: estimate, make smaller, put back."""
