"""The real servers that the tests run: one pinned Go module per folder, built on demand by :mod:`tools.servers.build`.

One module each, because their dependencies collide.
"""
