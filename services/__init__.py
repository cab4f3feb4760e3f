"""Holds the services that come with Bureau. They never import each other; `embedded` runs them in one process."""
