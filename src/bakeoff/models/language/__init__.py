"""Networks for text, as in their papers, with published weights."""
