"""Charts: described in Vega-Lite, drawn as SVG by a process of their own."""
