"""The nouns of the stack: one file, or one folder, is one component."""
