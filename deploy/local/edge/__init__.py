"""The edge of the local stack: the production Worker, in Cloudflare's workerd."""
