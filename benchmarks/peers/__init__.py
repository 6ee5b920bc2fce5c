"""What the bridge is measured against. Each is a whole server: `python -m benchmarks.peers.NAME PORT …`."""
