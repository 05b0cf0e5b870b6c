"""Series of systems that are well, on a weekend: a day, a quiet night and a busier morning."""
