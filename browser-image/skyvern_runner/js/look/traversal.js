// Walking through what is shown of a page, in reading order.

const MAX_ELEMENTS = 30000;

class Traversal {
  /** @param {number} textLimit */
  constructor(textLimit) {
    this.out = new Rows(textLimit);
    this.seen = 0;
    this.truncated = false;
    this.quiet = 0; // inside an element whose name already holds the text
  }

  /**
   * @param {El} el
   * @param {number} depth
   * @param {string} ground
   * @param {boolean} pointer whether the pointer is a hand around the element
   */
  visit(el, depth, ground, pointer) {
    try {
      this.visitOne(el, depth, ground, pointer);
    } catch {
      // A form's fields take the place of its properties: one that is named "matches" makes the form unreadable.
      for (const child of childNodesOf.call(el)) if (isElement(child)) this.visit(child, depth, ground, pointer);
    }
  }

  /** @param {El} el @param {number} depth @param {string} ground @param {boolean} pointer */
  visitOne(el, depth, ground, pointer) {
    const tag = el.localName;
    if (SKIPPED.has(tag)) return;
    if ((this.seen += 1) > MAX_ELEMENTS) {
      this.truncated = true;
      return;
    }
    const style = styleOf(el);
    if (this.isHidden(el, tag, depth, style)) return;
    const display = style.display;
    const cell = display === "table-cell"; // cells of a row share a line
    const inline = cell || display.startsWith("inline") || display === "contents";
    if (!inline) this.out.flush();
    else if (display !== "inline" && !cell) this.out.separate(" ");
    if (tag === "br" || tag === "hr") {
      this.out.flush();
      return;
    }
    if (this.isClippedAway(el, tag, style) || style.contentVisibility === "hidden") return;
    const hand = style.cursor === "pointer";
    const cuts = style.overflowX !== "visible" && (tag !== "body" || cutsOff(el));
    const at = { el, tag, role: "", depth, style, ground: groundOf(style, ground), hand, cuts, scroll: "" };
    const { region, anchored } = this.out;
    if (style.position !== "static") this.out.place(style.position);
    if (tag === "iframe" || tag === "frame") this.frame(el, depth);
    else if (style.visibility === "visible") this.shown(at, hand && !pointer);
    else this.children(at, depth);
    this.out.region = region;
    this.out.anchored = anchored;
    if (!inline) this.out.flush();
    else if (cell) this.out.separate(" | ");
  }

  // A control hidden behind its label counts as shown if the label is.
  /** @param {El} el @param {string} tag @param {number} depth @param {CSSStyleDeclaration} style */
  isHidden(el, tag, depth, style) {
    const hiddenBox = style.display === "none" || Number(style.opacity) < 0.05;
    if (!hiddenBox && style.visibility === "visible") return false;
    const label = tag === "input" ? labeledVisibly(el) : null;
    if (!label) return hiddenBox;
    const role = roleOf(el, tag);
    const flags = this.out.flagsOf(label.getBoundingClientRect()) | FORM_CONTROL;
    this.out.add(depth, el, role, nameOf(el, role), flags);
    return true;
  }

  /** @param {El} el @param {string} tag @param {CSSStyleDeclaration} style */
  isClippedAway(el, tag, style) {
    if (style.overflowX === "visible") return false;
    const box = el.getBoundingClientRect();
    return (box.width <= 1 || box.height <= 1) && (tag !== "input" || !labeledVisibly(el));
  }

  /** @param {Seen} at @param {number} depth */
  children(at, depth) {
    const { region, anchored } = this.out;
    if (at.cuts) this.out.enter(at.el, at.style);
    this.content(at, depth);
    this.out.region = region;
    this.out.anchored = anchored;
  }

  /** @param {El} host */
  noteShadow(host) {
    const shadow = shadowOf(host);
    if (shadow) knownShadows.add(new WeakRef(shadow));
  }

  /** @param {Seen} at @param {number} depth */
  content({ el, style, ground, hand }, depth) {
    if (el.localName === "details" && !el.open) {
      const summary = el.querySelector(":scope > summary");
      if (summary) this.visit(summary, depth, ground, hand);
      return;
    }
    const children = /** @type {NodeListOf<ChildNode>} */ (childrenOf(el));
    if (children !== el.childNodes) this.noteShadow(el);
    const repeated = listLength(el, children);
    /** @param {Node} child */
    const one = (child) => {
      if (isText(child)) {
        if (!this.quiet) this.text(child, el, depth, style, ground);
      } else if (isElement(child)) {
        if (repeated && !SKIPPED.has(child.localName)) this.out.item += 1;
        this.visit(child, depth, ground, hand);
      }
    };
    if (repeated) this.out.inList(el, repeated, () => eachOf(children, el, one));
    else eachOf(children, el, one);
  }

  /**
   * @param {Text} node
   * @param {El} parent
   * @param {number} depth
   * @param {CSSStyleDeclaration} style
   * @param {string} ground
   */
  text(node, parent, depth, style, ground) {
    const { data } = node;
    const begins = !this.out.pending.length;
    if ((begins && !data.trim()) || isUnreadable(style, ground)) return;
    let flags = 0;
    if (begins) {
      const box = parent.getBoundingClientRect();
      if (style.display !== "contents" && this.out.outside(box)) return;
      flags = this.out.flagsOf(box);
    }
    this.out.text(data, depth, flags);
  }

  // What becomes of an element, and of a frame, is decided by the outline.
  /** @param {[at: Seen, startsPointer: boolean]} seen */
  shown(...[at]) {
    this.children(at, at.depth);
  }

  /** @param {[el: El, depth: number]} seen */
  frame(...[el]) {
    this.noteShadow(el);
  }
}
