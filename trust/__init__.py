"""Harnesses that try to break the promises; each has a make target, and a short version in the default tests."""
