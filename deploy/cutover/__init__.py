"""The move of an app from its present functions to ours, by share of users."""
