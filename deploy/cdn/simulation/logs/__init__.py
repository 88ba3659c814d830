"""Readers of access logs: web servers, Cloudflare Logpush, CloudFront."""
