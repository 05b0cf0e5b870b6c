"""Tools around the stack: rendering, generated files, test pages, and the real servers for tests and the demo."""
