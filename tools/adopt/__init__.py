"""Reads what another monitoring stack has, and writes it as content and settings of this one."""
