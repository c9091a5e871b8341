// The page script's surroundings. script.py joins its files into one function and puts KEY and LATE in front of them.
declare const KEY: unique symbol;
declare const LATE: boolean;

interface Window {
  /** On Chrome's own error pages: what went wrong. */
  loadTimeDataRaw?: { errorCode?: string };
}
