"""Values that the console keeps between requests: dependencies, throughput, notices, the theme."""
