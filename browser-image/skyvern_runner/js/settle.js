// After an action: watch the page become quiet and read the effect back.

const MINIMUM_QUIET = 35; // ms after the input and after the last mutation that count as quiet
const BUSY_POLL = 10; // ms between looks at a page that is quiet but waits for a request or a document
const MAX_WATCHED = 400; // elements
const MAX_FRESH = 60; // controls
const MAX_MESSAGES = 5;
const WATCHED_ATTRIBUTES = [
  "class", "style", "hidden", "open", "aria-hidden", "aria-expanded", "disabled", "value", "src",
];
const FRESH = "a[href],button,input:not([type=hidden]),select,textarea,[role=option],[role=menuitem]," +
  "[role=menuitemcheckbox],[role=menuitemradio],[role=treeitem],[role=gridcell],[role=button],[role=tab]," +
  "[role=checkbox],[role=radio],[role=link],[contenteditable=true],li";
const ANNOUNCERS = "[role=alert],[role=status],[aria-live],output";

/** Observation of the action under way. @type {Watch | null} */
let watch = null;

/** @returns {Watch} */
const startWatch = () => {
  watch?.observer.disconnect();
  eventsSeen = {};
  focusedFrame();
  /** @type {Set<El>} */
  const changed = new Set();
  /** @type {Set<El>} */
  const touched = new Set();
  /** @param {Set<El>} set @param {Node | null} node */
  const note = (set, node) => { if (isElement(node) && set.size < MAX_WATCHED) set.add(node); };
  const observer = new MutationObserver((records) => {
    started.last = performance.now();
    for (const record of records) {
      started.count += 1;
      for (const node of record.addedNodes) note(changed, node);
      if (record.type === "attributes") note(changed, record.target);
      note(touched, isText(record.target) ? record.target.parentElement : record.target);
    }
  });
  const started = { observer, changed, touched, count: 0, last: 0, requests: pendingRequests };
  const options = {
    childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: WATCHED_ATTRIBUTES,
  };
  for (const ref of knownRoots) {
    const root = ref.deref();
    if (root) observer.observe(root, options);
  }
  if (knownRoots.size === 0) observer.observe(document, options);
  watch = started;
  return started;
};

// Resolves once nothing has changed for a moment, no request of the action is pending, and no navigation is under way.
/** @param {string | null} id */
const settle = (id, { most = 1000, least = MINIMUM_QUIET } = {}) => {
  const watched = watch ?? startWatch();
  const started = performance.now();
  return new Promise((resolve) => {
    const check = () => {
      const now = performance.now();
      const rest = least - (now - Math.max(watched.last, started));
      const left = most - (now - started);
      const busy = pendingRequests > watched.requests || leaving || document.readyState !== "complete";
      if ((rest <= 0 && !busy) || left <= 0) resolve(stringify(afterwards(watched, id)));
      else setTimeout(check, Math.ceil(Math.min(Math.max(rest, busy ? BUSY_POLL : 0), left)));
    };
    check();
  });
};

/** @param {Watch} watched @param {string | null} id */
const afterwards = ({ changed, touched, count, observer }, id) => {
  observer.disconnect();
  const el = elementOf(id);
  const fresh = freshControls(changed);
  const strayed = typing?.strayed ? labelFor(typing.strayed) : "";
  watch = null;
  typing = null;
  leaving = false;
  return {
    url: location.href, token, mutations: count, fresh, messages: freshMessages(touched), strayed,
    state: el ? stateOf(el) : null, events: witnessed(),
  };
};

/** @param {El} el */
const visible = (el) => !isFlat(el.getBoundingClientRect()) && isShown(el);

// Controls that appeared with the action, in what was added or shown, and that have no id from an earlier look.
/** @param {Set<El>} changed */
const freshControls = (changed) => {
  /** @type {Map<El, [string, string, string]>} */
  const found = new Map();
  for (const node of changed) {
    if (!node.isConnected || found.size >= MAX_FRESH) continue;
    const inner = [...node.querySelectorAll(FRESH)];
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
