"""The components of the stack, one file or folder each."""
