"""The licence audit of a manifest: what it holds, on what terms, whom to credit, what changed since."""
