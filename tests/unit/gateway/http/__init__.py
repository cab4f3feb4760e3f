"""Tests of how requests are read and answers are written."""
