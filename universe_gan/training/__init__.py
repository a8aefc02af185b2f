"""Training: a GAN learns from prepared pictures, stops and goes on exactly, on one device or many."""
