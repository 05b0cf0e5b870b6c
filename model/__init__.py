"""The words that everything speaks: quantities, settings, addresses, and what an alert, a metric, a job is."""
