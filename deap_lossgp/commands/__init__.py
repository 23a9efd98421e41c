"""Command lines: the options that commands share, and how they end."""
