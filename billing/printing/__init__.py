"""From a page as HTML to a paper as PDF. Knows nothing of who is billed or what was found."""
