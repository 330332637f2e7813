"""What checks, evaluations and runs show to people: charts as pictures, and HTML pages that need no other file."""
