"""The routes, one file a resource. Each has a function that gives its operations."""
