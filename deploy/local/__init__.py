"""The local stack: PostgreSQL, the AWS emulator, the stand-in, the edge."""
