"""One picture: opened safely, measured, and cut to the square that is published."""
