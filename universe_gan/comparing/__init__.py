"""What was made beside what is real: figures, plots, pages, and people asked."""
