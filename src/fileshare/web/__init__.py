"""The web door: the aiohttp application."""
