// After an action: watch the page become quiet and read the effect back.

const MINIMUM_QUIET = 35; // ms after the input and after the last mutation that count as quiet
const BUSY_POLL = 10; // ms between looks at a page that is quiet but waits for a request or a document
const MAX_FRESH = 60; // controls
const MAX_MESSAGES = 5;
const LOADING_MS = 500; // longest wait for images and the like once the document itself is quiet
const FRESH = "a[href],button,input:not([type=hidden]),select,textarea,[role=option],[role=menuitem]," +
  "[role=menuitemcheckbox],[role=menuitemradio],[role=treeitem],[role=gridcell],[role=button],[role=tab]," +
  "[role=checkbox],[role=radio],[role=link],[contenteditable=true],li";
const ANNOUNCERS = "[role=alert],[role=status],[aria-live],output";

// Resolves once nothing has changed for a moment, no request of the action is pending, and no navigation is under way.
/** @param {string | null} id */
const settle = (id, { most = 1000, least = MINIMUM_QUIET } = {}) => {
  const watched = watch ?? startWatch();
  watched.settling = true;
  const started = performance.now();
  return new Promise((resolve) => {
    const check = () => {
      const now = performance.now();
      const rest = least - (now - Math.max(watched.last, started));
      const left = most - (now - started);
      const loading = document.readyState !== "complete" && now - Math.max(watched.last, started) < LOADING_MS;
      const busy = pendingRequests > watched.requests || leaving || loading;
      if ((rest <= 0 && !busy) || left <= 0) resolve(stringify(afterwards(watched, id)));
      else setTimeout(check, Math.ceil(Math.min(Math.max(rest, busy ? BUSY_POLL : 0), left)));
    };
    check();
  });
};

/** @param {Watch} watched @param {string | null} id */
const afterwards = (watched, id) => {
  take(watched, watched.observer.takeRecords());
  const { changed, touched, positions, complaints } = watched;
  const el = elementOf(id);
  const fresh = freshControls(changed);
  const names = new Set(fresh.map(([, , name]) => name));
  const messages = freshMessages(touched);
  const texts = textChanges(watched, new Set([...names, ...messages]));
  const others = otherChanges(watched, el);
  const effects = others.changes.length + complaints.length + texts.flashed.length + movedAreas(positions);
  for (const root of roots()) root.removeEventListener("invalid", complain, true);
  const strayed = typing?.strayed ? labelFor(typing.strayed) : "";
  watch = null;
  tail = watched;
  watched.moments = new Map([...watched.moments].filter(([text]) => !texts.flashed.includes(cut(text, MAX_TEXT))));
  watched.ended = performance.now();
  typing = null;
  leaving = false;
  return {
    url: location.href, token, mutations: Math.max(0, watched.count) + effects, fresh, messages, strayed,
    ...texts, ...others, complaints,
    state: el ? stateOf(el) : null, events: witnessed(),
  };
};

// What appeared so far, without an end to the watch.
const peekFresh = () => stringify({ fresh: watch ? freshControls(watch.changed) : [] });

/** @param {El} el */
const visible = (el) => !isFlat(el.getBoundingClientRect()) && isShown(el);

// Controls that appeared with the action, in what was added or shown, and that have no id from an earlier look.
/** @param {Set<El>} changed */
const freshControls = (changed) => {
  /** @type {Map<El, [string, string, string]>} */
  const found = new Map();
  for (const node of changed) {
    if (!node.isConnected || found.size >= MAX_FRESH) continue;
    const inner = controlsIn(node);
    for (const el of node.matches(FRESH) || listens(node) ? [node, ...inner] : inner) {
      if (found.size >= MAX_FRESH) break;
      if (ids.has(el) || found.has(el) || !visible(el)) continue;
      if (el.localName === "li" && el.querySelector(FRESH)) continue;
      const role = roleOf(el, el.localName) || (el.localName === "li" ? "option" : "clickable");
      const name = nameOf(el, role);
      if (name) found.set(el, [idOf(el), role, name]);
    }
  }
  return [...found.values()];
};

// Controls in an element, in shadow roots too.
/** @param {El} node @returns {El[]} */
const controlsIn = (node) => {
  const found = [...node.querySelectorAll(FRESH)];
  for (const el of [node, ...node.querySelectorAll("*")].slice(0, MAX_WATCHED)) {
    const shadow = shadowOf(el);
    if (!shadow) continue;
    for (const child of shadow.children) {
      const inner = /** @type {El} */ (child);
      found.push(...(inner.matches(FRESH) ? [inner] : []), ...controlsIn(inner));
    }
  }
  return found;
};

// Announcements that appeared: alerts, errors, status lines.
/** @param {Set<El>} touched */
const freshMessages = (touched) => {
  /** @type {Set<string>} */
  const texts = new Set();
  for (const node of touched) {
    if (!node.isConnected || texts.size >= MAX_MESSAGES) continue;
    const live = node.closest(ANNOUNCERS) ?? node.querySelector("[role=alert],[aria-live=assertive]");
    if (live && visible(live)) texts.add(cut(textOf(live), 200));
  }
  return [...texts].filter(Boolean);
};
