// Scrolling by most of a screen, of the page or of the container around an element.

const scrollable = (el) => el.scrollHeight > el.clientHeight + 4 && /auto|scroll|overlay/.test(styleOf(el).overflowY);

const containerOf = (el) => {
  for (let node = el; node; node = node.assignedSlot ?? node.parentElement ?? node.getRootNode().host) if (scrollable(node)) return node;
  return null;
};

// Without an element: the page, or when that cannot scroll, the container in the middle of the screen.
const scrollPage = (id, direction) => {
  let box = null;
  if (id) {
    const el = elementOf(id);
    if (!el) return fail(GONE);
    box = containerOf(el);
  }
  const page = document.scrollingElement ?? document.documentElement;
  if (!box) box = page.scrollHeight > page.clientHeight + 4 ? page : containerOf(hitAt(innerWidth / 2, innerHeight / 2) ?? page) ?? page;
  startWatch();
  const height = box === page ? innerHeight : box.clientHeight;
  const before = box.scrollTop;
  const step = direction === "top" || direction === "bottom" ? box.scrollHeight : height * 0.85;
  box.scrollBy({ top: direction === "up" || direction === "top" ? -step : step, behavior: "instant" });
  const left = Math.max(0, box.scrollHeight - height - box.scrollTop);
  return stringify({ moved: Math.round(Math.abs(box.scrollTop - before)), below: left / Math.max(height, 1), page: box === page });
};

// Whether the document that a navigation led to is a page; what Chrome shows in its place if not.
const pageState = () => {
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const failed = location.protocol === "chrome-error:";
  return stringify({ url: location.href, token, failed, status: entry?.responseStatus ?? 0, ready: document.readyState,
    text: failed ? window.loadTimeDataRaw?.errorCode ?? document.body?.innerText.match(/\b(?:ERR|DNS|SSL)_[A-Z_]+/)?.[0] ?? "" : "" });
};

// Visible text of the page and its frames of the same origin.
const pageText = () => {
  const texts = [];
  for (const ref of knownRoots.size ? knownRoots : [new WeakRef(document)]) {
    const body = ref.deref()?.body;
    if (body) texts.push(body.innerText.replace(INVISIBLE, ""));
  }
  return stringify({ text: texts.join("\n") });
};
