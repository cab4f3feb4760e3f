"""Renders mail templates, and previews them."""
