"""Says what the names layer has, and gives the reason for what it has not."""
