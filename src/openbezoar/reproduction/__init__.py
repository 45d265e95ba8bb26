"""What a document tells of a run: read, compared with this machine, run again and compared."""
