// Which texts appeared with an action, vanished, or were shown for a moment.

const MAX_TEXTS = 6;
const MAX_TEXT = 120; // characters of one
const MAX_PIECES = 600; // text nodes that are read after an action
const MAX_MOMENTS = 40; // texts that are remembered in case they do not last
const TAIL_MS = 2000; // after an action, what appears for a moment is still the action's

/** What the last look met, and later effects reported. @type {Set<string>} */
let knownTexts = new Set();
/** What the last action may have shown, until the next one begins. @type {Watch | null} */
let tail = null;

/** @param {Element} el */
const isDisplayed = (el) => el.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
  !isFlat(el.getBoundingClientRect());

// The visible lines of a node by its blocks, each with its pieces.
/** @param {Node} top @param {{ left: number }} budget */
const linesOf = (top, budget) => {
  /** @type {{ text: string, pieces: string[] }[]} */
  const lines = [];
  /** @type {string[]} */
  let pieces = [];
  const end = () => {
    const text = clean(pieces.join(""));
    if (text) lines.push({ text, pieces: pieces.map(clean).filter(Boolean) });
    pieces = [];
  };
  /** @param {Node} node */
  const visit = (node) => {
    if (budget.left <= 0) return;
    if (isText(node)) {
      budget.left -= 1;
      pieces.push(node.data);
    }
    if (!isElement(node) || SKIPPED.has(node.localName) || node.matches("select,textarea")) return;
    if (restless.has(node)) return;
    const style = styleOf(node);
    if (style.display === "none" || style.visibility === "hidden" || Number(style.opacity) < 0.05) return;
    const apart = (style.display !== "inline" && style.display !== "contents") || node.matches("a,button,label");
    if (apart) end();
    eachOf(childrenOf(node), node, visit);
    if (apart) end();
  };
  visit(top);
  end();
  return lines;
};

/** @param {string} text */
const isKnown = (text) => knownTexts.has(text) || (text.length > 150 && knownTexts.has(cut(text, MAX_NAME)));

/** Nodes that are inside none of the others. @param {Iterable<El>} nodes */
const outermost = (nodes) => {
  const all = new Set(nodes);
  return [...all].filter((node) => {
    for (let at = outwards(node); at; at = outwards(at)) if (all.has(at)) return false;
    return true;
  });
};

// What an element that is hidden or gone has said: its own text and that of what it holds.
/** @param {Node} node @param {{ left: number }} budget */
const formerTexts = (node, budget) => {
  const texts = [clean((node.textContent ?? "").slice(0, 2000))];
  if (isElement(node)) {
    for (const inner of node.querySelectorAll("*")) {
      if ((budget.left -= 1) <= 0) break;
      texts.push(clean((inner.textContent ?? "").slice(0, 2000)));
    }
  }
  return texts.filter(Boolean);
};

/** A text that may not last, while it can be seen. @param {Watch} watched @param {Node | null} node */
const noteMoment = (watched, node) => {
  const el = isElement(node) ? node : node?.parentElement;
  if (!node || !el || watched.moments.size >= MAX_MOMENTS || !el.isConnected || SKIPPED.has(el.localName)) return;
  const text = clean((node.textContent ?? "").slice(0, 1000));
  if (text && !isKnown(text) && !watched.moments.has(text) && isDisplayed(/** @type {El} */ (el))) {
    watched.moments.set(text, node);
  }
};

/** Texts that were shown and are not any more. @param {Watch} watched @param {Set<string>} present */
const pastMoments = ({ moments }, present) => {
  const past = [];
  for (const [text, node] of moments) {
    const el = isElement(node) ? node : node.parentElement;
    const lasts = el?.isConnected && isDisplayed(el) && clean((node.textContent ?? "").slice(0, 1000)) === text;
    if (!lasts && !present.has(text) && !isKnown(text)) past.push(text);
  }
  return past;
};

/** @param {string[]} texts */
const bounded = (texts) => [...new Set(texts)].slice(0, MAX_TEXTS).map((text) => cut(text, MAX_TEXT));

// The texts that changed with an action, each kind at most MAX_TEXTS with how many there were.
/** @param {Watch} watched @param {Set<string>} told what the effect says already */
const textChanges = (watched, told) => {
  const budget = { left: MAX_PIECES };
  /** @type {Set<string>} */
  const present = new Set();
  /** @type {string[]} */
  const appeared = [];
  const shown = [...watched.changed, ...watched.spoken].filter((node) => node.isConnected && isDisplayed(node));
  for (const node of outermost(shown)) {
    for (const { text, pieces } of linesOf(node, budget)) {
      present.add(text);
      for (const piece of pieces) present.add(piece);
      if (!isKnown(text) && pieces.some((piece) => !isKnown(piece))) appeared.push(text);
    }
  }
  const flashed = pastMoments(watched, present);
  const complete = budget.left > 0;
  /** @type {string[]} */
  const vanished = [];
  const hidden = [...watched.changed].filter((node) => !node.isConnected || !isDisplayed(node));
  for (const node of complete ? [...watched.removed, ...hidden] : []) {
    for (const text of formerTexts(node, budget)) {
      if (knownTexts.has(text) && !present.has(text)) vanished.push(text);
    }
  }
  for (const text of complete ? watched.former : []) {
    if (knownTexts.has(text) && !present.has(text)) vanished.push(text);
  }
  for (const text of vanished) knownTexts.delete(text);
  for (const text of [...appeared, ...flashed, ...told]) knownTexts.add(text);
  const untold = appeared.filter((text) => !told.has(text) && !told.has(cut(text, 200)));
  return {
    appeared: bounded(untold), vanished: bounded(vanished), flashed: bounded(flashed),
    more: Math.max(0, new Set(untold).size - MAX_TEXTS),
  };
};

// What was shown for a moment since the last action, when the page is looked at again.
const takeTail = () => {
  if (!tail) return [];
  take(tail, tail.observer.takeRecords());
  tail.observer.disconnect();
  const past = pastMoments(tail, new Set());
  tail = null;
  return bounded(past);
};
