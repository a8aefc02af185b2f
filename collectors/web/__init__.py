"""Asking the web politely, and bringing files home whole.

`polite` is the face of the asking half (pace, gate, transport, retry, redirects, optout), `download` that of
the fetching half (transfer, parts, expected, signatures). On a cluster, `workers` (crew, keeper) fetch.
"""
