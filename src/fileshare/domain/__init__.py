"""What fileshare is about: values, names, rights and the life of an upload, without I/O."""
