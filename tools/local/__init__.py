"""A rendered stack on the real servers on this machine, for tests, benches and the demo."""
