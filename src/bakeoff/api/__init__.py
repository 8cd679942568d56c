"""The verbs: each does its work and shows it. The only floor that joins the two."""
