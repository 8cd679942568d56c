"""What an example is (`schema`, `dataset`), how files become one (`readers` choose, `forms` do
it), and how it is changed (`interventions`).
"""
