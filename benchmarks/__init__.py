"""What Kiloscale promises in numbers; ``./bootstrap bench SUITE`` measures it."""
