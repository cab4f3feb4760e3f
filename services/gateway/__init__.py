"""Is the HTTP API: validates requests, submits jobs and answers 202; serves status, files and the console."""
