"""From a request that was understood to a job in the ledger: uploads, mails, the answer."""
