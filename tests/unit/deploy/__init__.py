"""Tests of images, compose files, packages and how processes start."""
