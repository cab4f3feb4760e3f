"""The commands of `bureau`, a file for each group of them."""
