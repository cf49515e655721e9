// The listing of a folder: what a person chose stays chosen when the server sends it anew.
