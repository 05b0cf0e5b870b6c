"""A stack file as typed values: what is allowed, what it defaults to, and what is said when it is wrong."""
