"""How a stored file is sent: ranges and Content-Disposition."""
