"""The deployment checklist, the migration runner and the local stack."""
