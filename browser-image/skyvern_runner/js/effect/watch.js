// Watching the page during an action and for a moment after it.

const MAX_WATCHED = 400; // elements
const MAX_SHADOWS = 100; // shadow roots of new elements
const RESTLESS = 5; // turns with changes, while nothing is done, that make an element a restless one
const SMALL = 20; // elements in one that only shows a clock, an advertisement or the like
const OBSERVED = { childList: true, subtree: true, characterData: true, characterDataOldValue: true, attributes: true };

/** Observation of the action under way. @type {Watch | null} */
let watch = null;
/** Elements whose content changes all the time by itself, whatever the runner does. @type {WeakSet<Node>} */
const restless = new WeakSet();
/** Elements whose attributes do. @type {WeakSet<Node>} */
const animated = new WeakSet();

// Whether what changes here is the page's own business: a clock, an animation.
/** @param {Node | null} node */
const isRestless = (node) => {
  for (let at = node; at; at = at.parentNode) if (restless.has(at)) return true;
  return false;
};

/** Whether all that an element shows is one thing, such as a clock. @param {Node} node */
const isSmall = (node) => isElement(node) && node !== bodyOf.call(document) && node !== document.documentElement &&
  node.getElementsByTagName("*").length < SMALL;

// What changes again and again while nothing is done is not an effect: what was noted of it is forgotten, and it is not
// watched from then on.
/** @param {Watch} watched @param {Map<Node, number>} batch records by target @param {boolean} styles */
const countStirs = (watched, batch, styles) => {
  if (!watched.settling) return;
  const kind = styles ? watched.styled : watched.stirs;
  for (const [target, records] of batch) {
    const stirs = kind.get(target) ?? { batches: 0, records: 0 };
    stirs.batches += 1;
    stirs.records += records;
    kind.set(target, stirs);
    if (stirs.batches < RESTLESS || (!styles && !isSmall(target))) continue;
    (styles ? animated : restless).add(target);
    watched.count -= stirs.records;
    if (styles) {
      watched.changed.delete(/** @type {El} */ (target));
      continue;
    }
    for (const set of [watched.changed, watched.spoken, watched.touched, watched.removed]) {
      for (const node of set) if (isRestless(node)) set.delete(/** @type {El} */ (node));
    }
    for (const [text, node] of watched.moments) if (isRestless(node)) watched.moments.delete(text);
  }
};

/** @param {Watch} watched @param {MutationRecord} record */
const takeRecord = (watched, { target, type, attributeName, addedNodes, removedNodes, oldValue }) => {
  /** @param {Set<any>} set @param {Node | null} node */
  const note = (set, node) => { if (isElement(node) && set.size < MAX_WATCHED) set.add(node); };
  watched.count += 1;
  for (const node of addedNodes) {
    if (isText(node)) note(watched.spoken, target);
    note(watched.changed, node);
    noteMoment(watched, node);
    watchShadows(watched, node);
  }
  for (const node of removedNodes) {
    if (watched.removed.size < MAX_WATCHED && (isElement(node) || isText(node))) watched.removed.add(node);
  }
  if (type === "attributes") note(watched.changed, target);
  if (STATES.has(attributeName ?? "")) note(watched.stateful, target);
  if (type !== "childList") noteMoment(watched, target);
  if (type === "characterData") {
    note(watched.spoken, target.parentNode);
    if (oldValue && watched.former.size < MAX_WATCHED) watched.former.add(clean(oldValue));
  }
  note(watched.touched, isText(target) ? target.parentElement : target);
};

/** @param {Watch} watched @param {MutationRecord[]} records */
const take = (watched, records) => {
  if (watched.ended && performance.now() > watched.ended + TAIL_MS) return;
  /** @type {Map<Node, number>[]} */
  const [styles, others] = [new Map(), new Map()];
  for (const record of records) {
    const { target, type } = record;
    const styled = type === "attributes";
    if ((styled && animated.has(target)) || isRestless(target)) continue;
    const batch = styled ? styles : others;
    batch.set(target, (batch.get(target) ?? 0) + 1);
    takeRecord(watched, record);
  }
  if (styles.size || others.size) watched.last = performance.now();
  countStirs(watched, styles, true);
  countStirs(watched, others, false);
};

/** @param {Watch} watched @param {Node} node */
const watchShadows = (watched, node) => {
  if (!isElement(node) || watched.shadows >= MAX_SHADOWS) return;
  for (const el of [node, ...node.querySelectorAll("*")].slice(0, MAX_WATCHED)) {
    const shadow = shadowOf(el);
    if (!shadow) continue;
    watched.shadows += 1;
    watched.observer.observe(shadow, OBSERVED);
    knownShadows.add(new WeakRef(shadow));
  }
};

/** @returns {Watch} */
const startWatch = () => {
  watch?.observer.disconnect();
  tail?.observer.disconnect();
  eventsSeen = {};
  focusedFrame();
  /** @type {Watch} */
  const started = {
    observer: new MutationObserver((records) => take(started, records)),
    changed: new Set(), spoken: new Set(), touched: new Set(), removed: new Set(), stateful: new Set(),
    former: new Set(),
    moments: watch?.moments ?? tail?.moments ?? new Map(),
    stirs: new Map(), styled: new Map(), settling: false, complaints: [],
    values: valuesNow(), positions: positionsNow(),
    count: 0, last: 0, ended: 0, shadows: 0, requests: pendingRequests,
  };
  tail = null;
  for (const root of roots()) {
    started.observer.observe(root, OBSERVED);
    root.addEventListener("invalid", complain, true);
  }
  watch = started;
  return started;
};
