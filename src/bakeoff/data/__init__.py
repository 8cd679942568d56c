"""What an example is (`schema`, `dataset`), how files become one (`readers`), how it is changed (`interventions`)."""
