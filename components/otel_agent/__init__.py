"""The node collector, which collects the logs of pods: its configuration (``config``) and its component
(``component``).
"""
