// Collects the rows of an outline: text by blocks, lists with their items, what is in view.

const ACTIONABLE = 1;
const IN_VIEW = 2;
const FORM_CONTROL = 4;
const CONTAINER = 8;
const FOREIGN_FRAME = 16;
const SCROLLS = 32;
const APART = 64; // not in the flow of what is around it
const LIST_LENGTH = 8;
const END_OF_LABEL = /[\s:*]+$/;
const OUTER_BARS = /^(\| )+|( \|)+$/g;

// The number of children of a container with many children of one kind; 0 for others.
/** @param {Node} parent @param {NodeListOf<ChildNode> | Node[]} children */
const listLength = (parent, children) => {
  if (children.length < LIST_LENGTH || !isElement(parent)) return 0;
  /** @type {Map<string, number>} */
  const kinds = new Map();
  let count = 0;
  for (const child of children) {
    if (!isElement(child) || SKIPPED.has(child.localName)) continue;
    count += 1;
    kinds.set(child.localName, (kinds.get(child.localName) ?? 0) + 1);
  }
  if (count < LIST_LENGTH) return 0;
  return Math.max(...kinds.values()) >= count * 0.7 ? count : 0;
};

/** @param {El} el */
const listName = (el) => {
  const own = clean(el.getAttribute("aria-label") ?? "") || byReference(el, "aria-labelledby");
  if (own) return cut(own, 60);
  let node = /** @type {El | null} */ (el);
  for (let up = 0; node && up < 3; node = node.parentElement, up += 1) {
    const caption = node.querySelector(":scope > caption");
    if (caption) return cut(textOf(caption), 60);
    for (let other = node.previousElementSibling; other; other = other.previousElementSibling) {
      if (/^h[1-6]$/.test(other.localName)) return cut(textOf(/** @type {El} */ (other)), 60);
    }
  }
  return "";
};

class Rows {
  /** @param {number} textLimit characters of one line of text */
  constructor(textLimit) {
    this.textLimit = textLimit;
    /** @type {Row[]} */
    this.rows = [];
    /** @type {List[]} */
    this.lists = [];
    this.list = -1;
    this.item = 0;
    /** Where the content of the current frame begins. @type {Point} */
    this.origin = { x: 0, y: 0 };
    const view = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    /** The region around the current element. @type {Region} */
    this.region = regionOfDocument(document, view, view);
    /** That of what is placed absolutely, and of what is fixed. */
    this.anchored = this.region;
    this.fixed = fixedIn(view, view);
    /** Text waiting for the end of its block. @type {string[]} */
    this.pending = [];
    this.pendingDepth = 0;
    this.pendingFlags = 0;
  }

  /** @param {DOMRect} box */
  flagsOf(box) {
    const { origin: { x, y }, region: { clip, apart } } = this;
    const within = box.bottom + y > clip.top && box.top + y < clip.bottom &&
      box.right + x > clip.left && box.left + x < clip.right;
    return (within ? IN_VIEW : 0) | (apart ? APART : 0);
  }

  // The region of an element that is not simply in the flow of the page.
  /** @param {string} position */
  place(position) {
    if (position === "fixed") this.region = this.fixed;
    else if (position === "absolute") this.region = { ...this.anchored, apart: true };
    else if (position === "sticky") this.region = { ...this.region, apart: true };
    this.anchored = this.region;
  }

  // The region of the content of an element that cuts off what overflows it.
  /** @param {El} el @param {CSSStyleDeclaration} style */
  enter(el, style) {
    this.region = regionInside(this.region, el, el.getBoundingClientRect(), this.origin, style);
    if (style.position !== "static") this.anchored = this.region;
  }

  // Whether no scrolling brings the box into view.
  /** @param {DOMRect} box */
  outside(box) {
    const { origin: { x, y }, region: { reach } } = this;
    if (!box.width && !box.height && !box.left && !box.top) return false; // it has no box, and its content is elsewhere
    return box.right + x <= reach.left || box.bottom + y <= reach.top ||
      box.left + x >= reach.right || box.top + y >= reach.bottom;
  }

  /**
   * @param {number} depth
   * @param {string} id
   * @param {string} role
   * @param {string} name
   * @param {string} states
   * @param {number} flags
   */
  push(depth, id, role, name, states, flags) {
    this.rows.push([depth, id, role, name, states, flags, this.list, this.item]);
    if (name) this.known(name);
  }

  // What a reader has seen, so that an effect tells only what is new.
  /** @param {string} name */
  known(name) {
    knownTexts.add(name);
    if (name.includes(" | ")) for (const cell of name.split(" | ")) knownTexts.add(cell);
  }

  // A row that actions can refer to. Text right before it that is the same as its name is dropped.
  /**
   * @param {number} depth
   * @param {El} el
   * @param {string} role
   * @param {string} name
   * @param {number} flags
   * @param {string} more states
   */
  add(depth, el, role, name, flags, more = "") {
    this.flush();
    const last = this.rows[this.rows.length - 1];
    if (last && last[2] === "text" && name && last[3].replace(END_OF_LABEL, "") === name.replace(END_OF_LABEL, "")) {
      this.rows.pop();
    }
    lookedAs.set(el, name);
    this.push(depth, idOf(el), role, name, statesOf(el, role) + more, flags | ACTIONABLE);
  }

  // Text of the current block, which is placed where its first piece is.
  /** @param {string} data @param {number} depth @param {number} flags */
  text(data, depth, flags) {
    if (!this.pending.length) {
      this.pendingDepth = depth;
      this.pendingFlags = flags;
    }
    this.pending.push(data);
  }

  /** @param {string} separator */
  separate(separator) {
    if (this.pending.length) this.pending.push(separator);
  }

  // The end of a block.
  flush() {
    if (!this.pending.length) return;
    const text = clean(this.pending.join(""));
    this.pending = [];
    if (!text || text === "|") return;
    this.push(this.pendingDepth, "", "text", cut(text.replace(OUTER_BARS, ""), this.textLimit), "", this.pendingFlags);
  }

  /** @param {El} parent @param {number} count @param {() => void} visitItems */
  inList(parent, count, visitItems) {
    this.flush();
    const { list, item } = this;
    this.lists.push([listName(parent), parent.localName, count, list, item]);
    this.list = this.lists.length - 1;
    this.item = -1;
    visitItems();
    this.flush();
    this.list = list;
    this.item = item;
  }

  // The content of a same-origin frame; without content, the frame's row is removed.
  /** @param {El} el @param {Document} inner @param {DOMRect} box @param {() => void} visitContent */
  inFrame(el, inner, box, visitContent) {
    const { origin, region, anchored, fixed, rows } = this;
    const start = rows.length;
    const left = box.left + el.clientLeft + origin.x;
    const top = box.top + el.clientTop + origin.y;
    const edges = { left, top, right: left + el.clientWidth, bottom: top + el.clientHeight };
    const clip = meet(region.clip, edges);
    this.origin = { x: left, y: top };
    this.region = this.anchored = regionOfDocument(inner, edges, clip);
    this.fixed = fixedIn(edges, clip);
    visitContent();
    this.flush();
    Object.assign(this, { origin, region, anchored, fixed });
    if (rows.length === start) rows.pop();
  }
}
