// What is known about a document independent of any look at it: which elements listen for clicks and drags, shadow
// roots that were closed to scripts, and the ids given to elements. Loaded before the page's own scripts.

const CLICK_EVENTS = new Set([
  "click", "dblclick", "contextmenu", "mousedown", "mouseup", "pointerdown", "pointerup", "touchstart", "touchend",
  "dragstart", "dragover", "drop",
]);

// Native functions are kept, since the page may replace them.
const nativeStringify = JSON.stringify;
const jsonOwners = [Object.prototype, Array.prototype, String.prototype];

// Old libraries give arrays and strings a toJSON, which would break every answer.
/** @param {unknown} value */
const stringify = (value) => {
  /** @type {[object, PropertyDescriptor][]} */
  const taken = [];
  for (const owner of jsonOwners) {
    const own = Object.getOwnPropertyDescriptor(owner, "toJSON");
    if (own?.configurable) {
      taken.push([owner, own]);
      Reflect.deleteProperty(owner, "toJSON");
    }
  }
  const text = nativeStringify(value);
  for (const [owner, own] of taken) Object.defineProperty(owner, "toJSON", own);
  return text;
};

// Elements with a name take the place of what a document or a form has by the same name.
/** @param {any} owner @param {string} name */
const getter = (owner, name) => /** @type {() => any} */ (Object.getOwnPropertyDescriptor(owner, name)?.get);
const titleOf = getter(Document.prototype, "title");
/** @type {() => El | null} */
const bodyOf = getter(Document.prototype, "body");
/** @type {() => NodeListOf<ChildNode>} */
const childNodesOf = getter(Node.prototype, "childNodes");

const styleOf = window.getComputedStyle.bind(window);

/** Elements with a listener of CLICK_EVENTS. @type {WeakSet<Node>} */
const listening = new WeakSet();
/** Shadow roots attached as closed, by their hosts. @type {WeakMap<Node, ShadowRoot>} */
const closedRoots = new WeakMap();
/** @type {WeakMap<Node, string>} */
const ids = new WeakMap();
/** By their ids. @type {Map<string, WeakRef<El>>} */
const elements = new Map();
/** Documents that the last look met. @type {Set<WeakRef<Document>>} */
const knownRoots = new Set();
const token = performance.timeOrigin.toString(36) + Math.random().toString(36).slice(2, 10);
/** Shadow roots of them. @type {Set<WeakRef<ShadowRoot>>} */
const knownShadows = new Set();
/** What scrolls by itself in them. @type {Set<WeakRef<El>>} */
const knownAreas = new Set();
/** Names of elements, as the last look met them. @type {WeakMap<Node, string>} */
const lookedAs = new WeakMap();
/** What actions were aimed at since the last look. @type {Set<Node>} */
const usedSinceLook = new Set();
let nextId = 1;
/** During an upload: the input that the page asked a file chooser for. @type {{input: El | null} | null} */
let chooser = null;

// A Proxy answers toString() as the native function does.
/** @param {any} owner @param {string} name @param {Wrapped} apply */
const wrap = (owner, name, apply) => {
  const native = owner[name];
  if (typeof native === "function") owner[name] = new Proxy(native, { apply });
};

wrap(EventTarget.prototype, "addEventListener", (native, self, args) => {
  if (self && self.nodeType === 1 && CLICK_EVENTS.has(args[0])) listening.add(self);
  return Reflect.apply(native, self, args);
});

wrap(Element.prototype, "attachShadow", (native, self, args) => {
  const root = Reflect.apply(native, self, args);
  if (root.mode === "closed") closedRoots.set(self, root);
  if (watch) watchShadows(watch, self);
  return root;
});

// A page that opens a file chooser by script reveals here which input it means; no native chooser appears then.
/** @type {Wrapped} */
const askForFile = (native, self, args) => {
  if (chooser && self.type === "file") {
    chooser.input = self;
    return undefined;
  }
  return Reflect.apply(native, self, args);
};
wrap(HTMLElement.prototype, "click", askForFile);
wrap(HTMLInputElement.prototype, "showPicker", askForFile);

// The runner tells kinds of dialogs apart by invisible marks in front of their text; see browser/dialog.py.
for (const [marks, kind] of [[1, "alert"], [2, "confirm"], [3, "prompt"]]) {
  wrap(window, String(kind), (native, self, args) => {
    const [text, ...rest] = args;
    return Reflect.apply(native, self, ["\u2063".repeat(Number(marks)) + (args.length ? String(text) : ""), ...rest]);
  });
}

// Requests in progress, so that a wait for quiet does not end before the response to a click arrives.
let pendingRequests = 0;
const finished = () => { pendingRequests -= 1; };
wrap(window, "fetch", (native, self, args) => {
  pendingRequests += 1;
  const answer = Reflect.apply(native, self, args);
  answer.then(finished, finished);
  return answer;
});
wrap(XMLHttpRequest.prototype, "send", (native, self, args) => {
  pendingRequests += 1;
  self.addEventListener("loadend", finished, { once: true });
  return Reflect.apply(native, self, args);
});

let leaving = false; // a navigation to another document has begun
window.addEventListener("beforeunload", () => { leaving = true; });
window.addEventListener("pageshow", () => { leaving = false; }); // also when history brings the document back

// Ids belong to the outermost document of this origin, so that one look covers its same-origin frames too.
/** @param {El} el */
const idOf = (el) => {
  let id = ids.get(el);
  if (id === undefined) {
    id = (nextId++).toString(36);
    ids.set(el, id);
    elements.set(id, new WeakRef(el));
  }
  return id;
};

/** @param {string | null} id */
const elementOf = (id) => {
  const el = elements.get(id ?? "")?.deref();
  return el && el.isConnected && el.ownerDocument.defaultView ? el : null;
};

/** @param {Node} el */
const peerOf = (el) => el.ownerDocument?.defaultView?.[KEY]?.peer;
/** @param {Node} el */
const listens = (el) => listening.has(el) || Boolean(peerOf(el)?.listening.has(el));
/** @param {El} el */
const takesClicks = (el) => listens(el) || el.onclick || (el.tabIndex >= 0 && el.hasAttribute("tabindex")) ||
  el.hasAttribute("jsaction") || el.hasAttribute("ng-click") || el.getAttribute("draggable") === "true";
/** @param {Element} el */
const shadowOf = (el) => el.shadowRoot || closedRoots.get(el) || peerOf(el)?.closedRoots.get(el) || null;

// Fallback for a document whose scripts ran before this one: the console's getEventListeners knows all listeners.
/** @param {(target: Node) => Record<string, unknown>} getEventListeners @param {Document} place */
const learn = (getEventListeners, place) => {
  /** @param {Document | ShadowRoot} root */
  const look = (root) => {
    for (const el of root.querySelectorAll("*")) {
      for (const type of Object.keys(getEventListeners(el))) if (CLICK_EVENTS.has(type)) listening.add(el);
      const shadow = shadowOf(el);
      if (shadow) look(shadow);
    }
  };
  if (place.getElementsByTagName("*").length <= 20000) look(place);
};
