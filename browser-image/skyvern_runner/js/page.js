// The page as a whole: scrolling it, what a navigation led to, and its text.

const ERROR_CODE = /\b(?:ERR|DNS|SSL)_[A-Z_]+/;

/** @param {Element} el */
const overflows = (el, sideways = false) =>
  sideways ? el.scrollWidth > el.clientWidth + 4 : el.scrollHeight > el.clientHeight + 4;
/** @param {El} el */
const scrollable = (el, sideways = false) =>
  overflows(el, sideways) && /auto|scroll|overlay/.test(styleOf(el)[sideways ? "overflowX" : "overflowY"]);

/** The area that scrolls with an element in it. @param {El} el */
const areaOf = (el, sideways = false) => {
  if (el === el.ownerDocument.documentElement) return /** @type {El} */ (el.ownerDocument.scrollingElement ?? el);
  let node = /** @type {El | undefined} */ (el);
  for (; node; node = node.assignedSlot ?? outwards(node)) if (scrollable(node, sideways)) return node;
  return null;
};

// Scrolls by most of a screen: the area around an element; without an element the page, or if the page cannot scroll,
// the area in the middle of the screen.
/** @param {string | null} id @param {"up" | "down" | "left" | "right" | "top" | "bottom"} direction */
const scrollArea = (id, direction) => {
  const el = elementOf(id);
  if (id && !el) return fail(GONE);
  const page = /** @type {El} */ (document.scrollingElement ?? document.documentElement);
  const sideways = direction === "left" || direction === "right";
  const middle = () => areaOf(hitAt(innerWidth / 2, innerHeight / 2) ?? page, sideways);
  const area = (el && areaOf(el, sideways)) ?? (overflows(page, sideways) ? page : middle() ?? page);
  startWatch();
  const [width, height] = area === page ? [innerWidth, innerHeight] : [area.clientWidth, area.clientHeight];
  const seen = sideways ? width : height;
  const place = () => (sideways ? area.scrollLeft : area.scrollTop);
  const whole = sideways ? area.scrollWidth : area.scrollHeight;
  const before = place();
  const back = direction === "up" || direction === "left" || direction === "top";
  const far = direction === "top" || direction === "bottom" ? whole : seen * 0.85;
  area.scrollBy({ [sideways ? "left" : "top"]: back ? -far : far, behavior: "instant" });
  const left = back ? Math.abs(place()) : Math.max(0, whole - seen - place());
  return stringify({ moved: Math.round(Math.abs(place() - before)), left: left / Math.max(seen, 1) });
};

// What a navigation led to: a page, or what Chrome shows instead of one.
const pageState = () => {
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const failed = location.protocol === "chrome-error:";
  const code = () => window.loadTimeDataRaw?.errorCode ?? document.body?.innerText.match(ERROR_CODE)?.[0] ?? "";
  return stringify({
    url: location.href, token, failed, status: entry?.responseStatus ?? 0, ready: document.readyState,
    text: failed ? code() : "",
  });
};

// Visible text of the page and its same-origin frames.
const pageText = () => {
  const texts = [];
  for (const ref of knownRoots.size ? knownRoots : [new WeakRef(document)]) {
    const body = ref.deref()?.body;
    if (body) texts.push(body.innerText.replace(INVISIBLE, ""));
  }
  return stringify({ text: texts.join("\n") });
};

/** @param {string} id */
const hostOf = (id) => stringify({ host: (elementOf(id)?.ownerDocument.location ?? location).hostname });

const arm = () => {
  typing = null;
  startWatch();
  return stringify({ token });
};

// Forgets a navigation that was given up.
const forget = () => {
  leaving = false;
  return stringify({});
};
