"""This folder holds what is measured: a part a file, selected by PARTS."""
