"""Carries bytes: fetches deliveries, COPYs them into raw, calls the procedures. All thinking is in SQL."""

# How people call the command line: what messages print for them to type next.
COMMAND = "warehouse"
