"""The Hugging Face Hub: publish a dataset, take images down, read a published set back."""
