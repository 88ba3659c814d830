"""Compares a stack's secrets by digest: configured, recorded, and in its functions."""
