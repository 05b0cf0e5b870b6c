"""Where people look: what it reads (``config``) and what runs it (``component``)."""
