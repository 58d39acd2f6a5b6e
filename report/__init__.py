"""Prints what the database tells: the story of a day and of an order, the last runs. It computes nothing."""
