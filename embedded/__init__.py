"""PostgreSQL from a wheel: found, made, started and stopped without a system service."""
