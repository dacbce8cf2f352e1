"""What leaves the log: receipts, tiles and bundles for everybody, entries for the security tools of the house."""
