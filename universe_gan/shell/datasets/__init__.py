"""What the commands do that go from a recipe to a published dataset, and what they say."""
