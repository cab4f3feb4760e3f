"""Tests of how requests arrive, before a thread of the server has them."""
