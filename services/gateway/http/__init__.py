"""Adds a small layer to Flask: routes declared with models, request reading, problems, and the OpenAPI document."""
