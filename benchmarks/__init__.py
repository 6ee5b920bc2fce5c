"""Side-by-side measurements of the bridge: `python -m benchmarks`. Loopback only; every run ends by itself."""
