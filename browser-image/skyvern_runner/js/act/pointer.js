// What pointing at an element shows, and where an element is.

const MAX_SHOWN_LINES = 6;

/** What could be seen before the pointer came. @type {{ controls: Set<El>, lines: Set<string> } | null} */
let beforeHover = null;

const readableLines = () => {
  const lines = [];
  for (const ref of knownRoots.size ? knownRoots : [new WeakRef(document)]) {
    const text = ref.deref()?.body?.innerText ?? "";
    lines.push(...text.split("\n").map(clean).filter(Boolean));
  }
  return lines;
};

const shownControls = () => {
  /** @type {El[]} */
  const found = [];
  for (const ref of knownRoots.size ? knownRoots : [new WeakRef(document)]) {
    found.push(...(ref.deref()?.querySelectorAll(FRESH) ?? []));
  }
  return found.filter(visible);
};

const noteShown = () => {
  beforeHover = { controls: new Set(shownControls()), lines: new Set(readableLines()) };
  return stringify({});
};

// Style sheets show menus and tooltips without any change of the document, so what can be seen is compared.
const newlyShown = () => {
  const before = beforeHover;
  beforeHover = null;
  if (!before) return stringify({ fresh: [], lines: [] });
  const fresh = [];
  for (const el of shownControls()) {
    if (before.controls.has(el) || fresh.length >= MAX_FRESH) continue;
    if (el.localName === "li" && el.querySelector(FRESH)) continue;
    const role = roleOf(el, el.localName) || (el.localName === "li" ? "option" : "clickable");
    const name = nameOf(el, role);
    if (name) fresh.push([idOf(el), role, name]);
  }
  const lines = readableLines().filter((line) => !before.lines.has(line));
  return stringify({ fresh, lines: lines.slice(0, MAX_SHOWN_LINES).map((line) => cut(line, 120)) });
};

// Where a slider of the page's own stands. Without a maximum it is one of 100, as ARIA says.
/** @param {string} id */
const sliderPlace = (id) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  const number = (/** @type {string} */ name, /** @type {number} */ otherwise) => {
    const given = parseFloat(el.getAttribute(name) ?? "");
    return Number.isFinite(given) ? given : otherwise;
  };
  return stringify({
    now: number("aria-valuenow", 0), least: number("aria-valuemin", 0), most: number("aria-valuemax", 100),
  });
};

// Where an element is, in the outermost document of this origin, and whether its middle is in view.
/** @param {string} id */
const boxOf = (id) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  const box = faceOf(el).getBoundingClientRect();
  const { x, y } = offsetOf(el);
  const middle = { x: box.left + box.width / 2 + x, y: box.top + box.height / 2 + y };
  const inView = middle.x >= 0 && middle.y >= 0 && middle.x <= innerWidth && middle.y <= innerHeight;
  return stringify({ ...middle, inView });
};
