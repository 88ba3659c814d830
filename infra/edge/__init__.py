"""The rules of the catalog in the languages of the CDNs, and the Worker.

Workers and CloudFront take the first rule that matches, Cache Rules the last; each
module here solves the order for its reader.
"""
