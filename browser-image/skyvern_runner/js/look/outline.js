// One look: the visible page as rows in reading order. Python folds and prints them; only what a reader cannot see is
// left out here.

const NESTED_CONTROLS = "a[href],button,input,select,textarea,[role=button],[role=link],[role=checkbox]," +
  "[role=switch],[contenteditable=true],iframe";
const WHITE = "rgb(255, 255, 255)";
const MAX_ELEMENTS = 30000;

/** @param {{ textLimit: number }} options */
const look = ({ textLimit }) => {
  labelIndex = new Map();
  try {
    return stringify(new Walk(textLimit).page());
  } finally {
    labelIndex = null;
  }
};

class Walk {
  /** @param {number} textLimit */
  constructor(textLimit) {
    this.out = new Rows(textLimit);
    this.seen = 0;
    this.truncated = false;
    this.quiet = 0; // inside an element whose name already holds the text
  }

  page() {
    const root = document.documentElement;
    knownRoots.clear();
    knownRoots.add(new WeakRef(document));
    if (document.body) {
      const { backgroundColor } = styleOf(root);
      this.visit(document.body, 0, backgroundColor === CLEAR ? WHITE : backgroundColor, false);
    }
    this.out.flush();
    const { rows, lists } = this.out;
    const height = Math.max(innerHeight, 1);
    return {
      url: location.href, title: clean(document.title), token, rows, lists, seen: this.seen, ...this.position(),
      truncated: this.truncated, screens: root.scrollHeight / height, scrolled: scrollY / height,
    };
  }

  // Where the page is scrolled to, and what to name in order to scroll it when it is in a frame.
  position() {
    const scroll = pageScroll(document);
    return { scroll, root: scroll && idOf(/** @type {El} */ (document.documentElement)) };
  }

  /**
   * @param {El} el
   * @param {number} depth
   * @param {string} ground
   * @param {boolean} pointer whether the pointer is a hand around the element
   */
  visit(el, depth, ground, pointer) {
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

  /** @param {Seen} at @param {number} depth */
  content({ el, style, ground, hand }, depth) {
    if (el.localName === "details" && !el.open) {
      const summary = el.querySelector(":scope > summary");
      if (summary) this.visit(summary, depth, ground, hand);
      return;
    }
    const children = /** @type {NodeListOf<ChildNode>} */ (childrenOf(el));
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

  /** @param {Seen} at @param {boolean} startsPointer whether the pointer becomes a hand with this element */
  shown(at, startsPointer) {
    const { el, tag } = at;
    const role = at.role = roleOf(el, tag);
    if (at.cuts && !this.quiet) at.scroll = scrollOf(el, at.style);
    if (WIDGETS.has(role) || VALUE_ROLES.has(role) || role === "file" || (role === "listbox" && tag === "select")) {
      this.widget(at);
      return;
    }
    const whole = el === document.body || el === document.documentElement || tag === "label";
    if (!whole && !this.quiet && (startsPointer || takesClicks(el))) this.clickable(at);
    else this.plain(at);
  }

  /** @param {Seen} at */
  widget(at) {
    const { el, tag, role, depth } = at;
    const box = el.getBoundingClientRect();
    const label = isFlat(box) ? labeledVisibly(el) : null;
    if (isFlat(box) && !label && !el.firstElementChild) return;
    if (this.out.outside(box) && !labeledVisibly(el)) return;
    if (role === "gridcell" && !listens(el) && !el.hasAttribute("tabindex") && !el.onclick) {
      this.children(at, depth);
      return;
    }
    const control = VALUE_ROLES.has(role) || tag === "input" || tag === "select" ||
      role === "radio" || role === "checkbox" || role === "switch";
    const flags = this.out.flagsOf(label ? label.getBoundingClientRect() : box);
    const scroll = tag === "select" || tag === "textarea" || tag === "input" ? "" : at.scroll;
    const kinds = (control ? FORM_CONTROL : 0) | (scroll ? SCROLLS : 0);
    this.out.add(depth, el, role, nameOf(el, role), flags | kinds, scroll);
    if (tag === "select" || editable(el)) return;
    if (!shadowOf(el) && !el.querySelector(NESTED_CONTROLS)) return;
    if (NAMED_BY_CONTENT.has(role) || tag === "textarea" || role === "combobox") this.quietly(at, depth + 1);
    else this.children(at, depth + 1);
  }

  // Children whose text is already the name of an element around them.
  /** @param {Seen} at @param {number} depth */
  quietly(at, depth) {
    this.quiet += 1;
    this.children(at, depth);
    this.quiet -= 1;
  }

  // Something that can be clicked although it has no role, unless something inside it can.
  /** @param {Seen} at */
  clickable(at) {
    const { el, role, depth } = at;
    const { rows, lists } = this.out;
    this.out.flush();
    const start = rows.length;
    const listStart = lists.length;
    this.plain(at);
    this.out.flush();
    for (let i = start; i < rows.length; i += 1) if (rows[i][5] & (ACTIONABLE | FOREIGN_FRAME | SCROLLS)) return;
    const box = el.getBoundingClientRect();
    if (isFlat(box) || this.out.outside(box)) return;
    const name = nameOf(el, "clickable");
    const scroller = el.scrollHeight > el.clientHeight + 4 && !listens(el) && !el.onclick;
    if (scroller || (name.length >= MAX_NAME && rows.length > start + 2)) return;
    rows.length = start;
    lists.length = listStart;
    const own = role && !CONTAINERS.has(role) && !LIVE.has(role) && role !== "heading";
    this.out.add(depth, el, own ? role : "clickable", name, this.out.flagsOf(box));
  }

  /** @param {Seen} at */
  plain(at) {
    const { el, tag, role, depth } = at;
    if (tag === "img" || role === "img" || tag === "svg") this.image(at);
    else if (role === "heading") this.heading(at);
    else if (tag === "label" && el.control && !isHiddenInput(el.control)) this.quietly(at, depth);
    else if (tag === "legend" && el.parentElement?.localName === "fieldset") this.quietly(at, depth);
    else if (at.scroll || CONTAINERS.has(role)) this.container(at);
    else if (LIVE.has(role) && !el.querySelector(NESTED_CONTROLS)) this.live(at);
    else if (role === "progressbar" || role === "meter") {
      this.tell(at, role, nameOf(el, role), ` value=${stringify(String(el.value ?? ""))}`);
    } else this.children(at, depth);
  }

  /** @param {Seen} at */
  image(at) {
    const { el, tag } = at;
    if (this.quiet) return;
    const title = () => el.getAttribute("aria-label") ?? el.querySelector("title")?.textContent ?? "";
    const name = tag === "svg" ? clean(title()) : nameOf(el, "img");
    if (name) this.tell(at, "img", name);
  }

  // A row without an id, which no action can refer to.
  /** @param {Seen} at @param {string} role @param {string} name @param {string} states */
  tell({ el, depth }, role, name, states = "") {
    this.out.flush();
    this.out.push(depth, "", role, name, states, this.out.flagsOf(el.getBoundingClientRect()));
  }

  /** @param {Seen} at */
  live(at) {
    const name = cut(textOf(at.el), this.out.textLimit);
    if (name) this.tell(at, at.role, name);
    else this.out.flush();
  }

  // A container without a name, or without content, is left out, unless it scrolls.
  /** @param {Seen} at */
  container(at) {
    const { el, depth, scroll } = at;
    const { rows } = this.out;
    const role = CONTAINERS.has(at.role) || LIVE.has(at.role) ? at.role : "area";
    const name = nameOf(el, role);
    if (!name && !scroll && !UNNAMED_CONTAINERS.has(role)) {
      this.children(at, depth);
      return;
    }
    this.out.flush();
    const start = rows.length;
    const modal = role === "dialog" && el.getAttribute("aria-modal") === "true" ? " modal" : "";
    const flags = CONTAINER | (scroll ? SCROLLS : 0) | this.out.flagsOf(el.getBoundingClientRect());
    this.out.push(depth, scroll ? idOf(el) : "", role, name, modal + scroll, flags);
    this.children(at, depth + 1);
    this.out.flush();
    if (rows.length === start + 1) rows.pop();
  }

  /** @param {Seen} at */
  heading(at) {
    const { el, tag, depth } = at;
    const { rows } = this.out;
    this.out.flush();
    const name = nameOf(el, "heading");
    const box = el.getBoundingClientRect();
    const nested = el.querySelector(NESTED_CONTROLS) !== null;
    if (name && !this.out.outside(box)) {
      this.out.push(depth, "", "heading", name, ` level=${headingLevel(el, tag)}`, this.out.flagsOf(box));
    }
    if (!nested) return;
    const start = rows.length;
    this.quietly(at, depth + 1);
    if (rows.length === start + 1 && rows[start][3] === name) {
      rows[start][0] = depth;
      rows[start][4] += ` level=${headingLevel(el, tag)}`;
      rows.splice(start - 1, 1);
    }
  }

  /** @param {El} el @param {number} depth */
  frame(el, depth) {
    const box = el.getBoundingClientRect();
    if (box.width < 10 || box.height < 10 || this.out.outside(box)) return;
    this.out.flush();
    const name = cut(clean(el.title || el.getAttribute("aria-label") || el.name || ""), MAX_NAME);
    const flags = this.out.flagsOf(box) | CONTAINER;
    const inner = documentOf(el);
    if (!inner || !inner.body) {
      this.out.push(depth, idOf(el), "frame", name, "", flags | FOREIGN_FRAME);
      return;
    }
    const scroll = pageScroll(inner);
    const key = scroll ? idOf(/** @type {El} */ (inner.documentElement)) : "";
    this.out.push(depth, key, "frame", name, scroll, scroll ? flags | SCROLLS : flags);
    knownRoots.add(new WeakRef(inner));
    this.out.inFrame(el, inner, box, () => this.visit(inner.body, depth + 1, WHITE, false));
  }
}
