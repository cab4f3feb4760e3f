"""Reads request bodies within limits: JSON, forms, multipart."""
