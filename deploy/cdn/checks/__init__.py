"""What is asked of a CDN, one noun for each module; each gives results."""
