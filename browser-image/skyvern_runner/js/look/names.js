// Names of elements, after accname, and their labels.

const MAX_NAME = 160;
const BLANK = document.createElement("i");

/** Labels by root and control, during a look only. @type {Map<Node, Map<El, El[]>> | null} */
let labelIndex = null;

// el.labels walks the whole document at each call; during a look the labels of a root are collected once.
/** @type {(el: El) => El[]} */
const labelsOf = (el) => {
  if (!labelIndex) return Array.from(el.labels ?? []);
  const root = el.getRootNode();
  let index = labelIndex.get(root);
  if (!index) {
    index = new Map();
    for (const label of root.querySelectorAll("label")) {
      const control = label.control;
      if (control) index.set(control, [...(index.get(control) ?? []), label]);
    }
    labelIndex.set(root, index);
  }
  return index.get(el) ?? [];
};

/** @param {El} el */
const isShown = (el) => el.checkVisibility({ opacityProperty: true, visibilityProperty: true });
/** @param {El} el */
const shownLabelOf = (el) => labelsOf(el).find(isShown) ?? null;

// The label that stands for a control hidden behind it.
/** @param {El} el */
const labeledVisibly = (el) =>
  el.type === "radio" || el.type === "checkbox" || el.type === "file" ? shownLabelOf(el) : null;

/** @param {El} control */
const isHiddenInput = (control) => control.localName === "input" && control.type === "hidden";

/** @param {El} el @param {string} attribute */
const byReference = (el, attribute) => {
  const value = el.getAttribute(attribute);
  if (!value) return "";
  const root = el.getRootNode();
  const texts = [];
  for (const id of value.split(SPACES)) {
    const other = root.getElementById?.(id);
    if (other === el) texts.push(el.getAttribute("aria-label") ?? textOf(el));
    else if (other) texts.push(other.getAttribute("aria-label") || textOf(other));
  }
  return clean(texts.join(" "));
};

/** @type {(label: El, control: El) => string} */
const labelText = (label, control) => {
  if (!label.contains(control)) return textOf(label);
  const texts = [];
  for (const child of label.childNodes) {
    if (isText(child)) texts.push(child.data);
    else if (isElement(child) && child !== control && !SKIPPED.has(child.localName)) {
      if (styleOf(child).display !== "none") texts.push(labelText(child, control));
    }
  }
  return clean(texts.join(" "));
};

/** @param {El} el */
const buttonName = (el) => {
  const standard = el.type === "submit" ? "Submit" : el.type === "reset" ? "Reset" : "";
  return clean(el.value || el.alt || el.title || standard);
};

/** @param {El} el @param {string} role */
const nameOf = (el, role) => {
  const tag = el.localName;
  const byContent = NAMED_BY_CONTENT.has(role);
  let name = byReference(el, "aria-labelledby") || clean(el.getAttribute("aria-label") ?? "");
  if (!name && "labels" in el) name = clean(labelsOf(el).map((label) => labelText(label, el)).join(" "));
  if (!name && tag === "input" && role === "button") name = buttonName(el);
  if (!name && tag === "fieldset") name = textOf(el.querySelector(":scope > legend") ?? BLANK);
  if (!name && tag === "table") name = textOf(el.querySelector(":scope > caption") ?? BLANK);
  if (!name && (tag === "img" || tag === "area")) name = clean(el.alt ?? "");
  if (!name && byContent) name = textOf(el);
  if (!name) {
    const hint = el.getAttribute("title") || el.getAttribute("placeholder") || el.getAttribute("aria-placeholder");
    name = clean(hint || "");
  }
  if (!name && (TEXT_ROLES.has(role) || role === "checkbox" || role === "radio")) name = nearbyText(el);
  if (!name && byContent) name = hintOf(el);
  return cut(name, MAX_NAME);
};

// A control without a label is named by the text right before it (after it, for checkboxes and radios).
/** @param {El} el */
const nearbyText = (el) => {
  const step = el.type === "checkbox" || el.type === "radio" ? "nextSibling" : "previousSibling";
  for (let node = /** @type {El | null} */ (el); node && node !== document.body; node = node.parentElement) {
    for (let other = node[step]; other; other = other[step]) {
      if (isElement(other) && other.matches("input,select,textarea,button")) return "";
      const text = isText(other) ? clean(other.data)
        : isElement(other) && !SKIPPED.has(other.localName) ? textOf(other) : "";
      if (text) return text.length <= 80 ? text : "";
    }
    if ((node.parentElement?.querySelectorAll("input,select,textarea").length ?? 0) > 1) return "";
  }
  return "";
};

// For an icon without a name: words of its test id, name or classes.
/** @param {El} el */
const hintOf = (el) => {
  const source = el.dataset?.testid || el.getAttribute("name") || el.id || el.getAttribute("class") ||
    el.firstElementChild?.getAttribute("class") || "";
  return cut(clean(String(source).replace(/[_-]+/g, " ")), 40);
};

// Role and name, as messages have them.
/** @param {El} el */
const labelFor = (el) => {
  const role = roleOf(el, el.localName) || el.localName;
  return `${role} ${stringify(cut(nameOf(el, role) || textOf(el), 60))}`;
};
