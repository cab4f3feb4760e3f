"""A small layer over Flask: routes declared with models, requests read by them, problems, OpenAPI made of them."""
