"""What others have, in shapes of our own: no line of a public manifest is here."""
