"""What leaves this machine: an artifact as files others can load, looked over before it goes."""
