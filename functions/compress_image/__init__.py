"""Makes images smaller. Triggers: ``image-compressions`` and a POST of the backend."""
