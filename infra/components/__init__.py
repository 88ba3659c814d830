"""The component resources, one module each."""
