"""The check of what a live application emits against the contract of its platform."""
