"""The figures of `content`, drawn as Plotly's JSON."""
