"""The suites: one module per subject, the severity written beside each check."""
