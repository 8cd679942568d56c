"""What is shown: `words` and `content` say what is claimed; `plotly`, `html` and `terminal` draw it."""
