"""What mail providers tell, each in its own way."""
