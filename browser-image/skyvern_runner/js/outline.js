// One look: the visible page as rows [depth, id, role, name, states, flags, list, item], in reading order.
// Python folds and prints them; here nothing is left out but what a reader cannot see.

const ACTIONABLE = 1;
const IN_VIEW = 2;
const FORM_CONTROL = 4;
const CONTAINER = 8;
const FOREIGN_FRAME = 16;
const NESTED_CONTROLS = "a[href],button,input,select,textarea,[role=button],[role=link],[role=checkbox],[role=switch],[contenteditable=true],iframe";
const CLEAR = "rgba(0, 0, 0, 0)";
const MAX_ELEMENTS = 30000;

const look = (options) => {
  labelIndex = new Map();
  try {
    return walk(options);
  } finally {
    labelIndex = null;
  }
};

const walk = ({ textLimit }) => {
  const rows = [];
  const lists = []; // [name, role, count, outer list, item of the outer list]
  const scrolledX = scrollX;
  const scrolledY = scrollY;
  let seen = 0;
  let truncated = false;
  let list = -1;
  let item = 0;
  let quiet = 0; // inside an element whose name already holds the text
  let origin = { x: 0, y: 0 };
  let clip = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
  let pending = []; // text waiting for the end of its block
  let pendingDepth = 0;
  let pendingFlags = 0;
  knownRoots.clear();
  knownRoots.add(new WeakRef(document));

  const boxFlags = (box) => (box.bottom + origin.y > clip.top && box.top + origin.y < clip.bottom && box.right + origin.x > clip.left && box.left + origin.x < clip.right ? IN_VIEW : 0);
  const push = (depth, id, role, name, states, flags) => {
    rows.push([depth, id, role, name, states, flags, list, item]);
  };
  const flush = () => {
    if (!pending.length) return;
    const text = clean(pending.join(""));
    pending = [];
    if (text && text !== "|") push(pendingDepth, "", "text", cut(text.replace(/^(\| )+|( \|)+$/g, ""), textLimit), "", pendingFlags);
  };
  const add = (depth, el, role, name, flags) => {
    flush();
    const last = rows[rows.length - 1];
    if (last && last[2] === "text" && name && last[3].replace(/[\s:*]+$/, "") === name.replace(/[\s:*]+$/, "")) rows.pop();
    push(depth, idOf(el), role, name, statesOf(el, role), flags | ACTIONABLE);
  };

  const visitChildren = (parent, depth, style, ground, pointer) => {
    if (parent.localName === "details" && !parent.open) {
      const summary = parent.querySelector(":scope > summary");
      if (summary) visit(summary, depth, ground, pointer);
      return;
    }
    const children = childrenOf(parent);
    const first = children === parent.childNodes ? parent.firstChild : null;
    const before = [list, item];
    const repeated = listLength(parent, children);
    if (repeated) {
      flush();
      lists.push([listName(parent), parent.localName, repeated, list, item]);
      list = lists.length - 1;
      item = -1;
    }
    const one = (child) => {
      if (child.nodeType === 3) {
        if (!quiet && style) text(child, parent, depth, style, ground);
      } else if (child.nodeType === 1) {
        if (repeated && !SKIPPED.has(child.localName)) item += 1;
        visit(child, depth, ground, pointer);
      }
    };
    // Walking siblings is far cheaper than iterating a live list.
    if (first) for (let child = first; child; child = child.nextSibling) one(child);
    else for (const child of children) one(child);
    if (repeated) {
      flush();
      [list, item] = before;
    }
  };

  const text = (node, parent, depth, style, ground) => {
    const data = node.data;
    if (!pending.length && !data.trim()) return;
    if (style.visibility !== "visible" || parseFloat(style.fontSize) < 3 || style.color === CLEAR || (style.color === ground && style.backgroundImage === "none")) {
      if (style.backgroundClip !== "text") return;
    }
    if (parseFloat(style.textIndent) < -500) return;
    if (!pending.length) {
      const box = parent.nodeType === 1 ? parent.getBoundingClientRect() : null;
      if (box && style.display !== "contents" && outside(box)) return;
      pendingDepth = depth;
      pendingFlags = box ? boxFlags(box) : IN_VIEW;
    }
    pending.push(data);
  };

  const outside = (box) => box.right + origin.x + scrolledX <= 0 || box.bottom + origin.y + scrolledY <= 0;

  const visit = (el, depth, ground, pointer) => {
    const tag = el.localName;
    if (SKIPPED.has(tag)) return;
    if ((seen += 1) > MAX_ELEMENTS) {
      truncated = true;
      return;
    }
    const style = styleOf(el);
    const display = style.display;
    const hiddenBox = display === "none" || style.opacity < 0.05;
    if (hiddenBox || style.visibility !== "visible") {
      const label = tag === "input" ? labeledVisibly(el) : null;
      if (label) {
        const role = roleOf(el, tag);
        add(depth, el, role, nameOf(el, role), boxFlags(label.getBoundingClientRect()) | FORM_CONTROL);
        return;
      }
      if (hiddenBox) return;
    }
    const cell = display === "table-cell"; // cells of a row share a line
    const inline = cell || display.startsWith("inline") || display === "contents";
    if (!inline) flush();
    else if (display !== "inline" && !cell && pending.length) pending.push(" ");
    if (tag === "br" || tag === "hr") {
      flush();
      return;
    }
    if (style.overflowX !== "visible" || style.position === "absolute") {
      const box = el.getBoundingClientRect();
      const tiny = box.width <= 1 || box.height <= 1;
      if (tiny && style.overflowX !== "visible") {
        if (tag !== "input" || !labeledVisibly(el)) return;
      }
    }
    if (style.contentVisibility === "hidden") return;
    let inner = ground;
    if (style.backgroundImage !== "none") inner = "";
    else if (style.backgroundColor !== CLEAR) inner = style.backgroundColor;
    else if (style.position !== "static") inner = "";
    const hand = style.cursor === "pointer";
    if (tag === "iframe" || tag === "frame") frame(el, depth);
    else if (style.visibility === "visible") shown(el, tag, depth, style, inner, hand && !pointer, hand);
    else visitChildren(el, depth, style, inner, hand);
    if (!inline) flush();
    else if (cell && pending.length) pending.push(" | ");
  };

  const shown = (el, tag, depth, style, ground, startsPointer, hand) => {
    const role = roleOf(el, tag);
    if (WIDGETS.has(role) || VALUE_ROLES.has(role) || role === "file" || (role === "listbox" && tag === "select")) {
      widget(el, tag, role, depth, style, ground, hand);
      return;
    }
    const soft = listens(el) || el.onclick || startsPointer || (el.tabIndex >= 0 && el.hasAttribute("tabindex")) || el.hasAttribute("jsaction") || el.hasAttribute("ng-click");
    if (soft && el !== document.body && el !== document.documentElement && tag !== "label" && !quiet) {
      clickable(el, tag, role, depth, style, ground, hand);
      return;
    }
    plain(el, tag, role, depth, style, ground, hand);
  };

  const widget = (el, tag, role, depth, style, ground, hand) => {
    const box = el.getBoundingClientRect();
    const label = box.width < 1 || box.height < 1 ? labeledVisibly(el) : null;
    if ((box.width < 1 || box.height < 1) && !label && !el.firstElementChild) return;
    if (outside(box) && !labeledVisibly(el)) return;
    if (role === "gridcell" && !listens(el) && !el.hasAttribute("tabindex") && !el.onclick) {
      visitChildren(el, depth, style, ground, hand);
      return;
    }
    const control = VALUE_ROLES.has(role) || tag === "input" || tag === "select" || role === "radio" || role === "checkbox" || role === "switch";
    const name = nameOf(el, role);
    const text = NAMED_BY_CONTENT.has(role) || tag === "select" || tag === "textarea" || editable(el) || role === "combobox";
    add(depth, el, role, name, boxFlags(label ? label.getBoundingClientRect() : box) | (control ? FORM_CONTROL : 0));
    const nested = el.firstElementChild || shadowOf(el);
    if (!nested || tag === "select") return;
    if (editable(el)) return;
    if (shadowOf(el) || el.querySelector(NESTED_CONTROLS)) {
      quiet += text ? 1 : 0;
      visitChildren(el, depth + 1, style, ground, hand);
      quiet -= text ? 1 : 0;
    }
  };

  // Something that can be clicked though it has no role; only when nothing inside it can.
  const clickable = (el, tag, role, depth, style, ground, hand) => {
    flush();
    const start = rows.length;
    const listStart = lists.length;
    plain(el, tag, role, depth, style, ground, hand);
    flush();
    for (let i = start; i < rows.length; i += 1) if (rows[i][5] & (ACTIONABLE | FOREIGN_FRAME)) return;
    const box = el.getBoundingClientRect();
    if (box.width < 1 || box.height < 1 || outside(box)) return;
    const name = nameOf(el, "clickable");
    const scroller = el.scrollHeight > el.clientHeight + 4 && !listens(el) && !el.onclick;
    if (scroller || (name.length >= MAX_NAME && rows.length > start + 2)) return;
    rows.length = start;
    lists.length = listStart;
    add(depth, el, role && !CONTAINERS.has(role) && !LIVE.has(role) && role !== "heading" ? role : "clickable", name, boxFlags(box));
  };

  const plain = (el, tag, role, depth, style, ground, hand) => {
    if (tag === "img" || role === "img" || tag === "svg") {
      if (quiet) return;
      const name = tag === "svg" ? clean(el.getAttribute("aria-label") ?? el.querySelector("title")?.textContent ?? "") : nameOf(el, "img");
      if (name) {
        flush();
        push(depth, "", "img", name, "", boxFlags(el.getBoundingClientRect()));
      }
      return;
    }
    if (role === "heading") {
      heading(el, tag, depth, style, ground, hand);
      return;
    }
    if (tag === "label" && el.control && idOfShown(el.control)) {
      quiet += 1;
      visitChildren(el, depth, style, ground, hand);
      quiet -= 1;
      return;
    }
    if (tag === "legend" && el.parentElement?.localName === "fieldset") {
      quiet += 1;
      visitChildren(el, depth, style, ground, hand);
      quiet -= 1;
      return;
    }
    if (LIVE.has(role) && !el.querySelector(NESTED_CONTROLS)) {
      const name = cut(textOf(el), textLimit);
      flush();
      if (name) push(depth, "", role, name, "", boxFlags(el.getBoundingClientRect()));
      return;
    }
    if (role === "progressbar" || role === "meter") {
      flush();
      push(depth, "", role, nameOf(el, role), ` value=${stringify(String(el.value ?? ""))}`, boxFlags(el.getBoundingClientRect()));
      return;
    }
    if (CONTAINERS.has(role)) {
      const name = nameOf(el, role);
      if (name || UNNAMED_CONTAINERS.has(role)) {
        flush();
        const start = rows.length;
        push(depth, "", role, name, role === "dialog" && el.getAttribute("aria-modal") === "true" ? " modal" : "", CONTAINER | boxFlags(el.getBoundingClientRect()));
        visitChildren(el, depth + 1, style, ground, hand);
        flush();
        if (rows.length === start + 1) rows.pop();
        return;
      }
    }
    visitChildren(el, depth, style, ground, hand);
  };

  const idOfShown = (control) => control.localName !== "input" || control.type !== "hidden";

  const heading = (el, tag, depth, style, ground, hand) => {
    flush();
    const level = el.getAttribute("aria-level") ?? (tag[0] === "h" ? tag[1] : "2");
    const name = nameOf(el, "heading");
    const box = el.getBoundingClientRect();
    const nested = el.querySelector(NESTED_CONTROLS) !== null;
    if (name && !outside(box)) push(depth, "", "heading", name, ` level=${level}`, boxFlags(box));
    if (!nested) return;
    const at = rows.length;
    quiet += 1;
    visitChildren(el, depth + 1, style, ground, hand);
    quiet -= 1;
    if (rows.length === at + 1 && rows[at][3] === name) {
      rows[at][0] = depth;
      rows[at][4] += ` level=${level}`;
      rows.splice(at - 1, 1);
    }
  };

  const frame = (el, depth) => {
    const box = el.getBoundingClientRect();
    if (box.width < 10 || box.height < 10 || outside(box)) return;
    flush();
    const name = cut(clean(el.title || el.getAttribute("aria-label") || el.name || ""), MAX_NAME);
    const inner = documentOf(el);
    if (!inner || !inner.body) {
      push(depth, idOf(el), "frame", name, "", boxFlags(box) | FOREIGN_FRAME | CONTAINER);
      return;
    }
    push(depth, "", "frame", name, "", boxFlags(box) | CONTAINER);
    const start = rows.length;
    const outer = { origin, clip };
    const left = box.left + el.clientLeft + origin.x;
    const top = box.top + el.clientTop + origin.y;
    origin = { x: left, y: top };
    clip = { left: Math.max(clip.left, left), top: Math.max(clip.top, top), right: Math.min(clip.right, left + el.clientWidth), bottom: Math.min(clip.bottom, top + el.clientHeight) };
    knownRoots.add(new WeakRef(inner));
    visit(inner.body, depth + 1, "rgb(255, 255, 255)", false);
    flush();
    ({ origin, clip } = outer);
    if (rows.length === start) rows.pop();
  };

  if (document.body) visit(document.body, 0, styleOf(document.documentElement).backgroundColor === CLEAR ? "rgb(255, 255, 255)" : styleOf(document.documentElement).backgroundColor, false);
  flush();
  return stringify({ url: location.href, title: clean(document.title), token, rows, lists, seen, truncated, screens: document.documentElement.scrollHeight / Math.max(innerHeight, 1), scrolled: scrollY / Math.max(innerHeight, 1) });
};
