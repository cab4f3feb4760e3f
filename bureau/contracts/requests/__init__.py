"""Holds what clients ask for beside a graph of tasks: a report, an e-mail, certificates; now, or in a schedule."""
