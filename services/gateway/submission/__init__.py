"""From a request that was understood to a job in the ledger: terms, uploads, graphs, the answer."""
