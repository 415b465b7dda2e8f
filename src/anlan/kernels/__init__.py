"""Compiled loops: integers and arrays in, arrays out; they know nothing of the application."""
