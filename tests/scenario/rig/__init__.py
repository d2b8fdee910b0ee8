"""Drives the real programs from outside: data folders, the CLI, `lantoa serve`, peers on 127.0.0.1."""
