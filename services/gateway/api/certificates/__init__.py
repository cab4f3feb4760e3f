"""The resources for certificates: submissions and revocation."""
