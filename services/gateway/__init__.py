"""The HTTP front door: validates, submits to the ledger, answers 202; status, files, the page of the latest jobs."""
