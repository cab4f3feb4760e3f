"""Builds jobs from validated requests and submits them to the ledger: uploads, mails, the answer."""
