"""The client side: connect, transfer, resume, verify. Synchronous, and without asyncio for its start-up."""
