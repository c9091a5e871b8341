// Before an action: find the element, bring it into view, and see what a click would hit.

const GONE = "gone: the element is no longer on the page";
const HIT_PLACES = [[0.5, 0.5], [0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75]]; // shares of width and height

/** @param {string} error */
const fail = (error) => stringify({ error });

// The element and its ancestors through shadow roots.
/** @param {Node | null | undefined} node @param {Node | null | undefined} ancestor */
const isInside = (node, ancestor) => {
  for (let at = /** @type {any} */ (node); at; at = at.assignedSlot ?? at.parentNode ?? at.host) {
    if (at === ancestor) return true;
  }
  return false;
};

// What a click at a point of the outermost document would hit.
/** @param {number} x @param {number} y */
const hitAt = (x, y) => {
  /** @type {Document | ShadowRoot} */
  let root = document;
  /** @type {El | null} */
  let hit = null;
  for (;;) {
    /** @type {El | null} */
    const next = root.elementFromPoint(x, y);
    if (!next || next === hit) return hit;
    hit = next;
    const shadow = shadowOf(next);
    /** @type {Document | null} */
    const content = !shadow && next.localName === "iframe" ? documentOf(next) : null;
    if (content) {
      const box = next.getBoundingClientRect();
      x -= box.left + next.clientLeft;
      y -= box.top + next.clientTop;
    }
    /** @type {Document | ShadowRoot | null} */
    const inner = shadow ?? content;
    if (!inner) return hit;
    root = inner;
  }
};

/** Where a click on the element may go, in the coordinates of the outermost document. @param {El} el */
const pointsOf = (el) => {
  const origin = offsetOf(el);
  const boxes = Array.from(el.getClientRects()).filter((box) => !isFlat(box));
  const whole = el.getBoundingClientRect();
  /** @type {[number, number][]} */
  const points = [];
  if (boxes.length > 1) points.push([boxes[0].left + boxes[0].width / 2, boxes[0].top + boxes[0].height / 2]);
  if (!isFlat(whole)) {
    for (const [dx, dy] of HIT_PLACES) points.push([whole.left + whole.width * dx, whole.top + whole.height * dy]);
  }
  return points.map(([x, y]) => [x + origin.x, y + origin.y]);
};

/** @param {El} hit @param {string} prefix of ids in this document */
const coverOf = (hit, prefix) => {
  let control = "";
  for (let node = /** @type {El | undefined} */ (hit); node && node !== document.body; node = outwards(node)) {
    const role = roleOf(node, node.localName);
    const id = ids.get(node);
    if (role === "dialog" || role === "alertdialog") {
      return control ? `${control} in ${labelFor(node)}` : labelFor(node);
    }
    if (id && !control) control = `[${prefix}${id}] ${labelFor(node)}`;
  }
  if (control) return control;
  const named = hit.closest("[aria-label],[id],[class]") ?? hit;
  const text = cut(textOf(named), 60);
  return `<${named.localName}>${text ? " " + stringify(text) : ""}`;
};

/** @param {Element} el */
const center = (el) => el.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });

/** @param {El} el */
const reveal = (el) => {
  const own = el.ownerDocument.defaultView;
  for (let view = own; view && view !== window; view = /** @type {any} */ (view.parent)) {
    if (view.frameElement) center(view.frameElement);
  }
  const box = el.getBoundingClientRect();
  const { x, y } = offsetOf(el);
  const inside = box.top + y >= 0 && box.left + x >= 0 && box.bottom + y <= innerHeight &&
    box.right + x <= innerWidth && box.top >= 0 && box.bottom <= (own?.innerHeight ?? 0);
  const [px, py] = [box.left + box.width / 2 + x, box.top + box.height / 2 + y];
  if (!inside || !isInside(hitAt(px, py), el)) center(el);
};

/** The visible element to click for a control: itself, or its label when it is hidden behind one. @param {El} el */
const faceOf = (el) => {
  const box = el.getBoundingClientRect();
  if (box.width >= 2 && box.height >= 2 && isShown(el)) return el;
  return shownLabelOf(el) ?? el;
};

// A hit on the control's label, or on a parent that draws a control without a box, counts as well.
/** @param {El} hit @param {El} el */
const accepts = (hit, el) => {
  const label = hit.closest?.("label");
  if (label && label.control === el) return true;
  return isInside(el, hit) && styleOf(el).pointerEvents === "none" && hit.matches("a,button,label,[role]");
};

/** @param {string} name */
const letters = (name) => name.toLowerCase().replace(/[^\p{L}]+/gu, "");

// Whether an element means something else than it did in the last look, as in a list that was filled anew. A counter,
// or a button that is worded for its new state after it was used, is still the same.
/** @param {El} el */
const isRenamed = (el) => {
  const before = lookedAs.get(el);
  if (!before || usedSinceLook.has(el)) return "";
  const role = roleOf(el, el.localName);
  const now = nameOf(el, role);
  const [old, name] = [letters(before), letters(now)];
  if (before === now || !name || old.includes(name) || name.includes(old)) return "";
  return `changed: it was ${stringify(cut(before, 60))} and is ${stringify(cut(now, 60))} now`;
};

// Checks an element before an action and says where to click it.
/** @param {string} id */
const aim = (id, { typing = false, force = false, seen = token, prefix = "" } = {}) => {
  if (seen !== token) return fail(`${GONE} (another page was loaded)`);
  const el = elementOf(id);
  if (!el) return fail(elements.has(id) ? GONE : `not found: no element has the id ${prefix}${id}`);
  const renamed = isRenamed(el);
  if (renamed) return fail(renamed);
  if (disabledOf(el)) return fail(`disabled: ${labelFor(el)} cannot be used now`);
  if (typing && readOnlyOf(el)) return fail(`readonly: ${labelFor(el)} cannot be typed into`);
  const face = faceOf(el);
  if (!face.checkVisibility({ visibilityProperty: true })) return fail(`hidden: ${labelFor(el)} is not visible now`);
  reveal(face);
  const points = pointsOf(face);
  if (points.length === 0) return fail(`hidden: ${labelFor(el)} has no size`);
  let cover = null;
  for (const [x, y] of points) {
    const hit = hitAt(x, y);
    if (!hit) continue;
    if (force || isInside(hit, face) || isInside(hit, el) || accepts(hit, face) || isInside(hit, face.control)) {
      startWatch();
      watchView(el.ownerDocument.defaultView);
      takeAim(el);
      usedSinceLook.add(el);
      const { localName: tag, type = "" } = el;
      return stringify({ x, y, token, tag, type, label: labelFor(el), state: stateOf(el) });
    }
    cover ??= hit;
  }
  return fail(cover ? `covered by ${coverOf(cover, prefix)}` : `outside: ${labelFor(el)} cannot be scrolled into view`);
};
