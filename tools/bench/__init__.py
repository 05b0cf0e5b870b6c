"""Figures of a stack: what a render takes, what its rules take, how soon people are told. Nothing here is a test."""
