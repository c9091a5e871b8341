// The page as a whole: scrolling it, what a navigation led to, and its text.

const ERROR_CODE = /\b(?:ERR|DNS|SSL)_[A-Z_]+/;

/** @param {Element} el */
const overflows = (el) => el.scrollHeight > el.clientHeight + 4;
/** @param {El} el */
const scrollable = (el) => overflows(el) && /auto|scroll|overlay/.test(styleOf(el).overflowY);

/** The area that scrolls with an element in it. @param {El} el */
const areaOf = (el) => {
  if (el === el.ownerDocument.documentElement) return /** @type {El} */ (el.ownerDocument.scrollingElement ?? el);
  let node = /** @type {El | undefined} */ (el);
  for (; node; node = node.assignedSlot ?? outwards(node)) if (scrollable(node)) return node;
  return null;
};

// Scrolls by most of a screen: the area around an element; without an element the page, or if the page cannot scroll,
// the area in the middle of the screen.
/** @param {string | null} id @param {"up" | "down"} direction */
const scrollArea = (id, direction) => {
  const el = elementOf(id);
  if (id && !el) return fail(GONE);
  const page = /** @type {El} */ (document.scrollingElement ?? document.documentElement);
  const middle = () => areaOf(hitAt(innerWidth / 2, innerHeight / 2) ?? page);
  const area = (el && areaOf(el)) ?? (overflows(page) ? page : middle() ?? page);
  startWatch();
  const height = area === page ? innerHeight : area.clientHeight;
  const before = area.scrollTop;
  const step = height * 0.85;
  area.scrollBy({ top: direction === "up" ? -step : step, behavior: "instant" });
  const left = Math.max(0, area.scrollHeight - height - area.scrollTop);
  return stringify({ moved: Math.round(Math.abs(area.scrollTop - before)), below: left / Math.max(height, 1) });
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
