// The flat tree that a reader sees, and the lists in it.

const SKIPPED = new Set(["script", "style", "noscript", "template", "head", "meta", "link", "base", "datalist", "object", "embed", "param", "source", "track", "wbr"]);
const LIST_LENGTH = 8;

// Children in the flat tree: shadow roots instead of light children, slots filled.
const childrenOf = (node) => {
  if (node.nodeType === 1) {
    const shadow = shadowOf(node);
    if (shadow) return shadow.childNodes;
    if (node.localName === "slot") {
      const assigned = node.assignedNodes({ flatten: true });
      if (assigned.length) return assigned;
    }
  }
  return node.childNodes;
};

// el.labels walks the whole document at each call; during a look the labels of a root are collected once.
let labelIndex = null; // root -> (control -> its labels), during a look only
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

const labeledVisibly = (el) => {
  const type = el.type;
  if (type !== "radio" && type !== "checkbox" && type !== "file") return null;
  for (const label of labelsOf(el)) if (label.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return label;
  return null;
};

// A container with many children of one kind; how many.
const listLength = (parent, children) => {
  if (children.length < LIST_LENGTH || parent.nodeType !== 1) return 0;
  const kinds = new Map();
  let count = 0;
  for (const child of children) {
    if (child.nodeType !== 1 || SKIPPED.has(child.localName)) continue;
    count += 1;
    kinds.set(child.localName, (kinds.get(child.localName) ?? 0) + 1);
  }
  if (count < LIST_LENGTH) return 0;
  return Math.max(...kinds.values()) >= count * 0.7 ? count : 0;
};

const listName = (el) => {
  const own = clean(el.getAttribute("aria-label") ?? "") || byReference(el, "aria-labelledby");
  if (own) return cut(own, 60);
  for (let node = el, up = 0; node && up < 3; node = node.parentElement, up += 1) {
    const caption = node.querySelector?.(":scope > caption");
    if (caption) return cut(textOf(caption), 60);
    for (let other = node.previousElementSibling; other; other = other.previousElementSibling) {
      if (/^h[1-6]$/.test(other.localName)) return cut(textOf(other), 60);
    }
  }
  return "";
};
