"""Shows what the database tells: the story of a day and of an order, the pages of a report. It computes nothing."""

REPORT_DAYS = 30  # the newest, by default
