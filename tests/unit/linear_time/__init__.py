"""Work grows no faster than its input: each parser, with an input and its double."""
