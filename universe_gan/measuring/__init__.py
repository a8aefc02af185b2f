"""How good pictures are: features, KID, Fréchet distance, coverage and copying, with what they are worth."""
