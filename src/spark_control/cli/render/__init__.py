"""From what the API says to what a terminal shows; nothing here asks or waits."""
