"""A browser session through WebDriver and DevTools, and the script in its pages."""
