"""A seeded shop, thirty days of it, and what came of them."""
