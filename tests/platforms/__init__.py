"""Small applications that behave as a platform does, and fail as they are told."""
