"""The reports service: long queries to CSV files.

A report is a `.sql` file of the catalog (`catalog.py`), run on a named source (`sources.py`) with bound parameters
(`parameters.py`), its rows streamed into a CSV artifact (`csv_export.py`). Memory does not grow with the rows.
"""
