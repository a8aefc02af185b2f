"""Which generated pictures are good enough to keep, and what may be learned from them."""
