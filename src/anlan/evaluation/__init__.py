"""Did it work, and how well is it answered: indicators, before and after, trends."""
