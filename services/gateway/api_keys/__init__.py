"""The format of API keys, and the file that may hold them."""
