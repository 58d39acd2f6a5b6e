"""What keeps a warehouse: migrations, backups, and starters."""
