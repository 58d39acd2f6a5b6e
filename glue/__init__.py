"""Carries bytes: fetches deliveries, COPYs them into raw, calls the procedures. All thinking is in SQL."""
