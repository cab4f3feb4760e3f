"""Holds a shop's tasks, which `Dockerfile` puts into an image of their own."""
