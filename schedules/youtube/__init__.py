"""Connections to YouTube: stored tokens, ready clients, the quota they may spend, and what they are watched for."""
