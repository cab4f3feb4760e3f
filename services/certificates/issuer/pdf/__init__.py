"""Typesets certificates as PDF: designs, QR codes, texts."""
