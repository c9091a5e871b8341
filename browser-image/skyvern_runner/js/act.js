// Before and after an action: find the element, bring it into view, see what a click would hit, then watch the page
// become quiet and read the effect back.

const MINIMUM_QUIET = 35; // ms after the input and after the last mutation that count as quiet
const BUSY_POLL = 10; // ms between looks at a page that is quiet but waits for a request or a document

const fail = (error) => stringify({ error });
const labelFor = (el) => {
  const role = roleOf(el, el.localName) || el.localName;
  return `${role} ${stringify(cut(nameOf(el, role) || textOf(el), 60))}`;
};

// The element and its ancestors through shadow roots.
const isInside = (node, ancestor) => {
  for (let at = node; at; at = at.assignedSlot ?? at.parentNode ?? at.host) if (at === ancestor) return true;
  return false;
};

// What a click at a point of the outermost document would hit.
const hitAt = (x, y) => {
  let root = document;
  let hit = null;
  for (;;) {
    const next = root.elementFromPoint(x, y);
    if (!next || next === hit) return hit;
    hit = next;
    const shadow = shadowOf(hit);
    if (shadow) {
      root = shadow;
    } else if (hit.localName === "iframe" && documentOf(hit)) {
      const box = hit.getBoundingClientRect();
      x -= box.left + hit.clientLeft;
      y -= box.top + hit.clientTop;
      root = documentOf(hit);
    } else {
      return hit;
    }
  }
};

const pointsOf = (el) => {
  const origin = offsetOf(el);
  const points = [];
  const boxes = Array.from(el.getClientRects()).filter((box) => box.width >= 1 && box.height >= 1);
  const whole = el.getBoundingClientRect();
  if (boxes.length > 1) points.push([boxes[0].left + boxes[0].width / 2, boxes[0].top + boxes[0].height / 2]);
  if (whole.width >= 1 && whole.height >= 1) {
    for (const [dx, dy] of [[0.5, 0.5], [0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75]]) points.push([whole.left + whole.width * dx, whole.top + whole.height * dy]);
  }
  return points.map(([x, y]) => [x + origin.x, y + origin.y]);
};

const coverOf = (hit, prefix) => {
  let control = "";
  for (let node = hit; node && node !== document.body; node = node.parentElement ?? node.getRootNode().host) {
    const role = roleOf(node, node.localName);
    const id = ids.get(node);
    if (role === "dialog" || role === "alertdialog") return control ? `${control} in ${labelFor(node)}` : labelFor(node);
    if (id && !control) control = `[${prefix}${id}] ${labelFor(node)}`;
  }
  if (control) return control;
  const named = hit.closest("[aria-label],[id],[class]") ?? hit;
  const text = cut(textOf(named), 60);
  return `<${named.localName}>${text ? " " + stringify(text) : ""}`;
};

const reveal = (el) => {
  for (let view = el.ownerDocument.defaultView; view !== window; view = view.parent) {
    view.frameElement.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
  }
  const box = el.getBoundingClientRect();
  const view = el.ownerDocument.defaultView;
  const { x, y } = offsetOf(el);
  const inside = box.top + y >= 0 && box.left + x >= 0 && box.bottom + y <= innerHeight && box.right + x <= innerWidth && box.top >= 0 && box.bottom <= view.innerHeight;
  const [px, py] = [box.left + box.width / 2 + x, box.top + box.height / 2 + y];
  if (!inside || !isInside(hitAt(px, py), el)) el.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
};

let watch = null; // observation of the action under way

const startWatch = () => {
  watch?.observer.disconnect();
  const changed = new Set(); // elements that were added or changed an attribute
  const touched = new Set(); // elements in which anything changed
  const observer = new MutationObserver((records) => {
    watch.last = performance.now();
    for (const record of records) {
      watch.count += 1;
      for (const node of record.addedNodes) if (node.nodeType === 1 && changed.size < 400) changed.add(node);
      if (record.type === "attributes" && changed.size < 400) changed.add(record.target);
      const place = record.target.nodeType === 3 ? record.target.parentElement : record.target;
      if (place?.nodeType === 1 && touched.size < 400) touched.add(place);
    }
  });
  watch = { observer, changed, touched, count: 0, last: 0, requests: pendingRequests };
  const options = { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["class", "style", "hidden", "open", "aria-hidden", "aria-expanded", "disabled", "value", "src"] };
  for (const ref of knownRoots) {
    const root = ref.deref();
    if (root) observer.observe(root, options);
  }
  if (knownRoots.size === 0) observer.observe(document, options);
};

// The visible element to click for a control: itself, or its label when it is hidden behind one.
const faceOf = (el) => {
  const box = el.getBoundingClientRect();
  const shown = box.width >= 2 && box.height >= 2 && el.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  if (shown) return el;
  for (const label of labelsOf(el)) if (label.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return label;
  return el;
};

const GONE = "gone: the element is no longer on the page";

// Checks an element before an action and says where to click it.
const aim = (id, { typing = false, force = false, seen = token, prefix = "" } = {}) => {
  if (seen !== token) return fail(`${GONE} (another page was loaded)`);
  const el = elementOf(id);
  if (!el) return fail(elements.has(id) ? GONE : `not found: no element has the id ${prefix}${id}`);
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
      return stringify({ x, y, token, tag: el.localName, type: el.type ?? "", label: labelFor(el), state: stateOf(el) });
    }
    cover ??= hit;
  }
  return fail(cover ? `covered by ${coverOf(cover, prefix)}` : `outside: ${labelFor(el)} cannot be scrolled into view`);
};

// A hit on a label of the control, or on a parent that draws a control with no box of its own, serves as well.
const accepts = (hit, el) => {
  const label = hit.closest?.("label");
  if (label && label.control === el) return true;
  return isInside(el, hit) && styleOf(el).pointerEvents === "none" && hit.matches("a,button,label,[role]");
};

const stateOf = (el) => {
  const role = roleOf(el, el.localName);
  return {
    role,
    value: clean(valueOf(el, role)),
    raw: "value" in el ? String(el.value) : textOf(el, 4000),
    secret: secretField(el),
    checked: checkedOf(el),
    expanded: expandedOf(el),
    focused: el.getRootNode().activeElement === el || el.contains(el.ownerDocument.activeElement),
    invalid: el.getAttribute("aria-invalid") === "true",
    connected: el.isConnected,
  };
};

// Resolves once nothing changed for a moment, no request of the action is open, and no navigation is under way.
const settle = (id, { most = 1000, least = MINIMUM_QUIET } = {}) => {
  if (!watch) startWatch();
  const started = performance.now();
  return new Promise((resolve) => {
    const check = () => {
      const now = performance.now();
      const rest = least - (now - Math.max(watch.last, started));
      const left = most - (now - started);
      const busy = pendingRequests > watch.requests || leaving || document.readyState !== "complete";
      if ((rest <= 0 && !busy) || left <= 0) resolve(stringify(afterwards(id)));
      else setTimeout(check, Math.ceil(Math.min(Math.max(rest, busy ? BUSY_POLL : 0), left)));
    };
    check();
  });
};

const afterwards = (id) => {
  const { changed, touched, count, observer } = watch;
  observer.disconnect();
  const el = id ? elementOf(id) : null;
  const fresh = freshControls(changed);
  watch = null;
  if (leaving) leaving = false;
  return { url: location.href, token, mutations: count, fresh, messages: freshMessages(touched), state: el ? stateOf(el) : null, label: el ? labelFor(el) : null };
};

const FRESH = "a[href],button,input:not([type=hidden]),select,textarea,[role=option],[role=menuitem],[role=menuitemcheckbox],[role=menuitemradio],[role=treeitem],[role=gridcell],[role=button],[role=tab],[role=checkbox],[role=radio],[role=link],[contenteditable=true],li";
const visible = (el) => {
  const box = el.getBoundingClientRect();
  return box.width >= 1 && box.height >= 1 && el.checkVisibility({ opacityProperty: true, visibilityProperty: true });
};

// Controls that the action made appear: in what was added, and in what was shown, without an id of an earlier look.
const freshControls = (changed) => {
  const found = new Map();
  for (const node of changed) {
    if (!node.isConnected || found.size >= 60) continue;
    const inner = node.matches(FRESH) || listens(node) ? [node, ...node.querySelectorAll(FRESH)] : node.querySelectorAll(FRESH);
    for (const el of inner) {
      if (found.size >= 60) break;
      if (ids.has(el) || found.has(el) || !visible(el)) continue;
      if (el.localName === "li" && el.querySelector(FRESH)) continue;
      const role = roleOf(el, el.localName) || (el.localName === "li" ? "option" : "clickable");
      const name = nameOf(el, NAMED_BY_CONTENT.has(role) ? role : role || "clickable");
      if (name) found.set(el, [idOf(el), role, name]);
    }
  }
  return [...found.values()];
};

// Short texts that appeared with a meaning: alerts, errors, status lines.
const freshMessages = (touched) => {
  const texts = new Set();
  for (const node of touched) {
    if (!node.isConnected || texts.size >= 5) continue;
    const live = node.closest("[role=alert],[role=status],[aria-live],output") ?? node.querySelector("[role=alert],[aria-live=assertive]");
    if (live && visible(live)) texts.add(cut(textOf(live), 200));
  }
  return [...texts].filter(Boolean);
};

// The box of a frame's content, for the coordinates of a document of another origin inside it.
const frameBox = (id) => {
  const frame = elementOf(id);
  if (!frame) return fail(GONE);
  reveal(frame);
  const box = frame.getBoundingClientRect();
  const { x, y } = offsetOf(frame);
  return stringify({ x: box.left + frame.clientLeft + x, y: box.top + frame.clientTop + y });
};

// Frames from the outermost document of this origin down to the one that holds the element.
const framePath = (id) => {
  const el = elementOf(id);
  const path = [];
  for (let view = el?.ownerDocument.defaultView; view && view !== window; view = view.parent) path.unshift(idOf(view.frameElement));
  return stringify(path);
};
