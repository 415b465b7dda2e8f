"""Readers: what a source says, as the city's nouns, with an account of every row left out."""
