"""The real servers for tests, benches and the demo: :mod:`tools.servers.find` finds them.

Permissively licensed servers have a pinned Go module here, each in its own folder because their dependencies collide.
:mod:`tools.servers.build` compiles a server that is not found elsewhere.
"""
