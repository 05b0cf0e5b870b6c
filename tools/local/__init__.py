"""A rendered stack on the real servers, on this machine: for the tests of them, the benches and the demo."""
