"""What is shown: `words` and `content` say what is claimed; `plotly`, `html`, `terminal` and `notebook` draw it."""
