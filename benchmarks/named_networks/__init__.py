"""The parts of `benchmarks/networks.py`: data, training, report."""
