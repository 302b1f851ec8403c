"""HTTP record and replay for tests with unittest and requests."""
