"""A stand-in for the HTTP APIs of Supabase and of language models, on loopback.

It speaks what Kiloscale uses of them. A request chooses its own fault, by header or
model name; there is no switch that changes what others get.
"""
