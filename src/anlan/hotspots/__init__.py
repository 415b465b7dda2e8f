"""What is prominent and where disorder is: pure functions over places, times and categories."""
