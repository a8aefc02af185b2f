"""Ground floor: what the world has, and on what terms."""
