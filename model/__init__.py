"""Types that all other packages use: quantities, settings, addresses, alerts, metrics, scrape jobs."""
