"""The real servers that tests, benches and the demo run: :mod:`tools.servers.find` finds them.

Those that are permissively licensed have a pinned Go module here, in a folder each because their dependencies collide,
and are compiled by :mod:`tools.servers.build` when they are nowhere else.
"""
