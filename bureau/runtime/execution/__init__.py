"""Runs one claimed task: reads its input, calls it, interrupts it, buffers its events, and names its outcome."""
