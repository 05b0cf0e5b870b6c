"""What a change does to a stack, in words: ``python -m tools.diff OLD NEW``; see docs/pull-requests.md."""
