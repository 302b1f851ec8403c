"""What the library and its peers cost, measured side by side: `python benchmarks/run.py`."""
