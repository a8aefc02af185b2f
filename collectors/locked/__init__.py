"""What is done with a manifest that is sealed: rebuilt, verified at the sources, licensed anew offline."""
