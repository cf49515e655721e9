"""Real servers, real clients and a bad line between them."""
