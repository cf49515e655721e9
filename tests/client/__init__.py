"""Tests of the client, against a scripted server that speaks the same wire core."""
