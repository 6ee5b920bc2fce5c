"""Measurements inside one part of the bridge; each is a process of its own that prints one JSON object."""
