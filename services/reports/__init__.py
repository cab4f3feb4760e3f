"""Holds the reports service, which writes the rows of long queries to CSV files.

A report is a `.sql` file of the catalog (`catalog.py`). It runs on a named source (`sources.py`) with bound parameters
(`parameters.py`), and its rows are streamed into a CSV artifact (`csv_export.py`). Memory does not grow with the rows.
"""
