"""What is measured: a part a file, selected by PARTS."""
