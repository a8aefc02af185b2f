"""What can be typed: every command with its options, its help, and which function does it.

Nothing heavy is imported before one of them runs, so `--help` answers at once.
"""
