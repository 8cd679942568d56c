"""What an example is (`schema`, `dataset`), how files become one (`readers`), how they are changed (`interventions`)."""
