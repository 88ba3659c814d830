"""Work that no consumer could do: dead letters in SQS, dead rows in the outbox."""
