"""Reads the modules of a project, and finds what each expression in them stands for."""
