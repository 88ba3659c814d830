"""What Kiloscale provisions, declared once and read by everything else.

The Pulumi program, the checklist, ``verify-crons``, the local stack and the docs all
read these frozen dataclasses. No module here imports Pulumi, a driver or an SDK, so
that reading the catalog costs nothing and works everywhere.
"""
