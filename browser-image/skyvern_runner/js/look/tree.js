// The flat tree that a reader sees, and its text.

const SKIPPED = new Set([
  "script", "style", "noscript", "template", "head", "meta", "link", "base", "datalist", "object", "embed", "param",
  "source", "track", "wbr",
]);
const CLEAR = "rgba(0, 0, 0, 0)";
const SPACES = /\s+/g;

/** @param {string} text */
const clean = (text) => text.replace(INVISIBLE, "").replace(SPACES, " ").trim();
// A character of two code units is kept or dropped as a whole.
/** @param {string} text @param {number} limit */
const cut = (text, limit) =>
  text.length > limit ? text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, "").trimEnd() + "…" : text;

// instanceof would not do: frames have their own classes.
/** @param {Node | null | undefined} node @returns {node is El} */
const isElement = (node) =>
  node?.nodeType === 1 || typeof node?.nodeType === "object"; // as of a form whose field has that name
/** @param {Node | null | undefined} node @returns {node is Text} */
const isText = (node) => node?.nodeType === 3;
/** The element around a node, out of its shadow root too. @type {(node: Node) => El | undefined} */
const outwards = (node) => node.parentElement ?? node.getRootNode().host;

// Children in the flat tree: shadow roots instead of light children, slots filled.
/** @type {(node: Node) => Iterable<Node>} */
const childrenOf = (node) => {
  if (isElement(node)) {
    const shadow = shadowOf(node);
    if (shadow) return shadow.childNodes;
    if (node.localName === "slot") {
      const slot = /** @type {HTMLSlotElement} */ (/** @type {HTMLElement} */ (node));
      const assigned = slot.assignedNodes({ flatten: true });
      if (assigned.length) return assigned;
    }
  }
  return node.childNodes;
};

// Visits each child. Following siblings is far cheaper than iterating a live list.
/** @param {Iterable<Node>} children @param {El} parent @param {(child: Node) => void} visit */
const eachOf = (children, parent, visit) => {
  if (children === parent.childNodes) {
    for (let child = /** @type {Node | null} */ (parent.firstChild); child; child = child.nextSibling) visit(child);
  } else {
    for (const child of children) visit(child);
  }
};

// Text as a reader sees it: no hidden parts, images by their alternative text.
/** @param {El} node */
const textOf = (node, limit = 400) => {
  if (!node.firstElementChild && !shadowOf(node)) return clean((node.textContent ?? "").slice(0, limit * 4));
  /** @type {string[]} */
  const parts = [];
  let length = 0;
  /** @param {Node} parent */
  const collect = (parent) => {
    for (const child of childrenOf(parent)) {
      if (length > limit) return;
      if (isText(child)) {
        parts.push(child.data);
        length += child.data.trim().length;
      } else if (isElement(child)) {
        const tag = child.localName;
        if (SKIPPED.has(tag) || tag === "select" || tag === "textarea") continue;
        if (child.getAttribute("aria-hidden") === "true" && tag !== "span") continue;
        const style = styleOf(child);
        if (style.display === "none" || style.visibility === "hidden") continue;
        const label = tag === "img" ? child.alt : child.getAttribute("aria-label");
        if (label) parts.push(" ", label, " ");
        else if (tag === "svg") parts.push(child.querySelector("title")?.textContent ?? "");
        else {
          const apart = !style.display.startsWith("inline");
          if (apart) parts.push(" ");
          collect(child);
          if (apart) parts.push(" ");
        }
      }
    }
  };
  collect(node);
  return clean(parts.join(""));
};

/** @param {DOMRect} box */
const isFlat = (box) => box.width < 1 || box.height < 1;

// Background color of a text; empty where that is not known.
/** @param {CSSStyleDeclaration} style @param {string} outer */
const groundOf = (style, outer) => {
  if (style.backgroundImage !== "none") return "";
  if (style.backgroundColor !== CLEAR) return style.backgroundColor;
  return style.position === "static" ? outer : "";
};

/** @param {CSSStyleDeclaration} style @param {string} ground */
const isUnreadable = (style, ground) => {
  if (parseFloat(style.textIndent) < -500) return true;
  if (style.backgroundClip === "text") return false;
  return style.visibility !== "visible" || parseFloat(style.fontSize) < 3 || style.color === CLEAR ||
    (style.color === ground && style.backgroundImage === "none");
};
