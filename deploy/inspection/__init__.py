"""What the database says of its indexes, sizes, statements and dead rows; read-only."""
