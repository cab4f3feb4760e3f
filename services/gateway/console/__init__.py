"""The console, Bureau's web pages. The server renders them; every view is a link and works without scripts."""
