"""What works on the stack from outside: rendering it, and the real servers that it is tried on."""
