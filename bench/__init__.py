"""Measures the warehouse beside what PostgreSQL needs at least, and beside other ways of doing the same work."""
