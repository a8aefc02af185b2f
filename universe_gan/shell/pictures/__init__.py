"""What the commands do that draw pictures, work on them and compare them, and what they say."""
