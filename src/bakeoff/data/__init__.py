"""What an example is (`schema`, `dataset`), how files become one (`readers`), how data are changed (`interventions`)."""
