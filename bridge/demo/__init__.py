"""Seeing it work: sample webhooks signed as their sources sign them, a tracker to deliver to, and the story of both."""
