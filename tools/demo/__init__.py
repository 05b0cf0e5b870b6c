"""The whole stack on this machine, with agents at work, something that breaks, and who is told."""
