// The page script's surroundings. page_script.py joins its files into one function and puts constants in front of them.
declare const KEY: unique symbol;
declare const LATE: boolean;
/** Characters that a reader does not see; see browser/invisible.py. */
declare const INVISIBLE: RegExp;

interface Window {
  /** On Chrome's own error pages: what went wrong. */
  loadTimeDataRaw?: { errorCode?: string };
}
