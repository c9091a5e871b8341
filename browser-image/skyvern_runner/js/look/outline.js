// One look: the visible page as rows in reading order. Python folds and prints them; only what a reader cannot see is
// left out here.

const NESTED_CONTROLS = "a[href],button,input,select,textarea,[role=button],[role=link],[role=checkbox]," +
  "[role=switch],[contenteditable=true],iframe";
const WHITE = "rgb(255, 255, 255)";

/** @param {{ textLimit: number }} options */
const look = ({ textLimit }) => {
  const meanwhile = takeTail();
  labelIndex = new Map();
  try {
    const seen = new Walk(textLimit).page();
    return stringify({ ...seen, meanwhile: meanwhile.filter((text) => !knownTexts.has(text)) });
  } finally {
    labelIndex = null;
  }
};

class Walk extends Traversal {
  page() {
    const root = document.documentElement;
    const body = bodyOf.call(document);
    for (const known of [knownRoots, knownShadows, knownAreas, knownTexts, usedSinceLook]) known.clear();
    knownRoots.add(new WeakRef(document));
    if (body) {
      const { backgroundColor } = styleOf(root);
      this.visit(body, 0, backgroundColor === CLEAR ? WHITE : backgroundColor, false);
    }
    this.out.flush();
    const { rows, lists } = this.out;
    const height = Math.max(innerHeight, 1);
    return {
      url: location.href, title: clean(titleOf.call(document)), token, rows, lists, seen: this.seen, ...this.position(),
      truncated: this.truncated, screens: root.scrollHeight / height, scrolled: scrollY / height,
    };
  }

  // Where the page is scrolled to, and what to name in order to scroll it when it is in a frame.
  position() {
    const scroll = pageScroll(document);
    return { scroll, root: scroll && idOf(/** @type {El} */ (document.documentElement)) };
  }

  /** @param {Seen} at @param {boolean} startsPointer whether the pointer becomes a hand with this element */
  shown(at, startsPointer) {
    const { el, tag } = at;
    const role = at.role = roleOf(el, tag);
    if (at.cuts && !this.quiet) at.scroll = scrollOf(el, at.style);
    if (at.scroll) knownAreas.add(new WeakRef(el));
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
    if (scroll) knownAreas.add(new WeakRef(/** @type {El} */ (inner.documentElement)));
    const key = scroll ? idOf(/** @type {El} */ (inner.documentElement)) : "";
    this.out.push(depth, key, "frame", name, scroll, scroll ? flags | SCROLLS : flags);
    knownRoots.add(new WeakRef(inner));
    this.out.inFrame(el, inner, box, () => this.visit(inner.body, depth + 1, WHITE, false));
  }
}
