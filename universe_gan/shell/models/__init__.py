"""What the commands do that train, judge and release models, and what they say."""
