// What else an action changed: values of fields, states of controls, positions, and complaints of the browser.

const MAX_FIELDS = 400;
const MAX_CHANGES = 4;
const MAX_COMPLAINTS = 3;
const STATES = new Set([
  "aria-checked", "aria-disabled", "aria-expanded", "aria-invalid", "aria-pressed", "aria-selected", "aria-valuenow",
  "disabled", "open",
]);

/** Documents and shadow roots that the last look met. @returns {(Document | ShadowRoot)[]} */
const roots = () => {
  const found = [];
  for (const ref of [...knownRoots, ...knownShadows]) {
    const root = ref.deref();
    if (root) found.push(root);
  }
  return found.length ? found : [document];
};

/** @param {El} el */
const heldBy = (el) => el.type === "checkbox" || el.type === "radio" ? String(el.checked) : String(el.value ?? "");

// Scripts change values without any trace in the document.
/** @returns {Map<El, string>} */
const valuesNow = () => {
  const values = new Map();
  for (const root of roots()) {
    for (const el of root.querySelectorAll("input:not([type=hidden]),select,textarea")) {
      if (values.size >= MAX_FIELDS) return values;
      values.set(el, heldBy(el));
    }
  }
  return values;
};

/** @returns {Map<El, number>} */
const positionsNow = () => {
  const positions = new Map();
  const page = /** @type {El | null} */ (/** @type {unknown} */ (document.scrollingElement));
  for (const el of [page, ...[...knownAreas].map((ref) => ref.deref())]) {
    if (el?.isConnected) positions.set(el, el.scrollTop + el.scrollLeft);
  }
  return positions;
};

/** @param {Map<El, number>} before */
const movedAreas = (before) => {
  let moved = 0;
  for (const [el, at] of before) if (el.isConnected && Math.abs(el.scrollTop + el.scrollLeft - at) > 1) moved += 1;
  return moved;
};

/** @param {El} el */
const told = (el) => {
  const role = roleOf(el, el.localName) || el.localName;
  return cut(`${labelFor(el)}:${secretField(el) ? " changed" : statesOf(el, role) || " off"}`, 160);
};

// Fields other than the one acted on whose value changed, and controls whose state did.
/** @param {Watch} watched @param {El | null} target */
const otherChanges = ({ values, stateful }, target) => {
  const changed = new Set();
  for (const [el, held] of values) {
    if (el !== target && el.isConnected && heldBy(el) !== held && isShown(el)) changed.add(el);
  }
  for (const el of stateful) if (el !== target && el.isConnected && ids.has(el) && isShown(el)) changed.add(el);
  const all = [...changed];
  return { changes: all.slice(0, MAX_CHANGES).map(told), otherwise: Math.max(0, all.length - MAX_CHANGES) };
};

// The browser shows its own bubble at a field that stops a form from being sent, which is no part of the page.
/** @param {Event} event */
const complain = (event) => {
  const el = /** @type {El | undefined} */ (event.composedPath()[0]);
  if (!watch || !el || watch.complaints.length >= MAX_COMPLAINTS) return;
  watch.complaints.push(`${labelFor(el)} is refused: ${cut(clean(el.validationMessage ?? ""), MAX_TEXT)}`);
};
