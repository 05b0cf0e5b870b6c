"""Small applications that behave as the platforms do, and can be asked to fail."""
