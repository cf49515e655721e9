"""The wire protocol: frames, messages, states and one conversation, without I/O."""
