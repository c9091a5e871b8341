// The text of the page word for word: reading it, finding words in it, and waiting for them.

/**
 * A piece of text and the node it comes from; null for what stands between two.
 * @typedef {[string, Node | null]} Piece
 */

/** @param {El} el */
const isReadable = (el) =>
  !SKIPPED.has(el.localName) && el.checkVisibility({ visibilityProperty: true, opacityProperty: true });

/** What a reader sees in a node, in order, with what its fields hold. @param {Node} from */
const piecesOf = (from) => {
  /** @type {Piece[]} */
  const found = [];
  /** @param {Node} node */
  const visit = (node) => {
    if (isText(node)) {
      const text = node.data.replace(INVISIBLE, "").replace(SPACES, " ");
      if (text) found.push([text, node]);
      return;
    }
    if (!isElement(node)) {
      for (const child of childrenOf(node)) visit(child);
      return;
    }
    const display = styleOf(node).display;
    if (display !== "contents" && !isReadable(node)) return;
    const apart = !/^(?:inline|contents|table-cell)/.test(display);
    if (apart || node.localName === "br") found.push(["\n", null]);
    if (node.localName === "iframe") {
      const inner = documentOf(node)?.body;
      if (inner) visit(inner);
    } else if (node.matches("input,textarea")) {
      if (node.type !== "password" && node.type !== "hidden" && node.value) found.push([`${node.value} `, node]);
    } else if (node.localName === "select") {
      found.push([`${valueOf(node, "combobox")} `, node]);
    } else if (node.localName === "img") {
      if (node.alt) found.push([`${node.alt} `, node]);
    } else {
      for (const child of childrenOf(node)) visit(child);
    }
    if (display === "table-cell") found.push(["\t", null]);
    else if (apart) found.push(["\n", null]);
  };
  visit(from);
  return found;
};

/** @param {Piece[]} found */
const joined = (found) =>
  found.map(([text]) => text).join("").replace(/[ \t]*\n\s*/g, "\n").replace(/ {2,}/g, " ").trim();

/** The text of an element, exact for a field, or of the page. @param {string | null} id */
const textIn = (id) => {
  if (id === null) return stringify({ text: document.body ? joined(piecesOf(document.body)) : "" });
  const el = elementOf(id);
  if (!el) return fail(GONE);
  if (el.type === "password") return fail("a password cannot be read");
  if (el.matches("input,textarea")) return stringify({ text: el.value ?? "" });
  if (el.localName === "select") {
    return stringify({ text: Array.from(el.options ?? [], (option) => clean(option.label)).join("\n") });
  }
  return stringify({ text: joined(piecesOf(el)) });
};

/**
 * Where words are in pieces: the text that was searched, and the places in it.
 * @param {Piece[]} found
 * @param {string} words
 */
const placesOf = (found, words) => {
  const text = found.map(([piece]) => piece.replace(/\s/g, " ")).join("");
  // Blanks of any number stand between two words, as between two lines.
  const sought = clean(words).split(" ").map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s+");
  return { text, places: sought ? [...text.matchAll(new RegExp(sought, "giu"))] : [] };
};

/** @param {string} words @param {number} around @param {number} most */
const findText = (words, around, most) => {
  const { text, places } = placesOf(document.body ? piecesOf(document.body) : [], words);
  const shown = places.slice(0, most).map(({ 0: hit, index }) => {
    const [from, to] = [Math.max(0, index - around), Math.min(text.length, index + hit.length + around)];
    return `${from > 0 ? "…" : ""}${clean(text.slice(from, to))}${to < text.length ? "…" : ""}`;
  });
  return stringify({ count: places.length, around: shown });
};

/** @param {string} words */
const scrollToText = (words) => {
  const found = document.body ? piecesOf(document.body) : [];
  const at = placesOf(found, words).places[0]?.index;
  let end = 0;
  startWatch();
  for (const [text, node] of found) {
    end += text.length;
    if (at === undefined || end <= at || !node) continue;
    const el = isElement(node) ? node : node.parentElement;
    if (el) reveal(/** @type {El} */ (el));
    break;
  }
  return stringify({});
};

/** @param {string} words */
const showsText = (words) =>
  stringify({ shown: placesOf(document.body ? piecesOf(document.body) : [], words).places.length > 0 });

/** @param {string} id */
const usable = (id) => {
  const el = elementOf(id);
  const gone = !el || !faceOf(el).checkVisibility({ visibilityProperty: true });
  return stringify({ gone, usable: !gone && !disabledOf(/** @type {El} */ (el)) });
};
