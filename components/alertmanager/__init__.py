"""Groups, silences and delivers alerts: what it reads (``config``) and what runs it (``component``)."""
