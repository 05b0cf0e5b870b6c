"""A stack file as typed values: the allowed values, the defaults and the error messages."""
