"""What is said between the parts: jobs and graphs, task inputs and results, files, problems. No I/O here."""
