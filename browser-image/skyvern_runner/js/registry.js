// What is known of one document before and beside any look at it: which elements listen for clicks, shadow roots
// that were closed to scripts, and the ids given to elements. Loaded before the page's own scripts.

const CLICK_EVENTS = new Set(["click", "dblclick", "mousedown", "mouseup", "pointerdown", "pointerup", "touchstart", "touchend"]);

// Natives are kept, since a page may replace them.
const nativeStringify = JSON.stringify;
const jsonOwners = [Object.prototype, Array.prototype, String.prototype];

// Old libraries give arrays and strings a toJSON of their own, which would spoil every answer.
const stringify = (value) => {
  const taken = [];
  for (const owner of jsonOwners) {
    const own = Object.getOwnPropertyDescriptor(owner, "toJSON");
    if (own?.configurable) {
      taken.push([owner, own]);
      delete (/** @type {{ toJSON?: unknown }} */ (owner).toJSON);
    }
  }
  const text = nativeStringify(value);
  for (const [owner, own] of taken) Object.defineProperty(owner, "toJSON", own);
  return text;
};

const styleOf = window.getComputedStyle.bind(window);

const listening = new WeakSet(); // elements with a listener of CLICK_EVENTS
const closedRoots = new WeakMap(); // host -> shadow root attached as closed
const ids = new WeakMap(); // element -> id
const elements = new Map(); // id -> WeakRef of the element
const knownRoots = new Set(); // WeakRefs of documents and shadow roots met by the last look
const token = performance.timeOrigin.toString(36) + Math.random().toString(36).slice(2, 10);
let nextId = 1;
let chooser = null; // while a file is being uploaded: {input} that the page asked a file chooser for

// A Proxy answers toString() as the native function does.
const wrap = (owner, name, apply) => {
  const native = owner[name];
  if (typeof native === "function") {
    owner[name] = new Proxy(native, { apply: (fn, self, args) => apply(fn, self, args) });
  }
};

wrap(EventTarget.prototype, "addEventListener", (fn, self, args) => {
  if (self && self.nodeType === 1 && CLICK_EVENTS.has(args[0])) listening.add(self);
  return Reflect.apply(fn, self, args);
});

wrap(Element.prototype, "attachShadow", (fn, self, args) => {
  const root = Reflect.apply(fn, self, args);
  if (root.mode === "closed") closedRoots.set(self, root);
  return root;
});

// A page that opens a file chooser by script tells here which input it means; no native chooser then appears.
const askForFile = (fn, self, args) => {
  if (chooser && self.type === "file") {
    chooser.input = self;
    return undefined;
  }
  return Reflect.apply(fn, self, args);
};
wrap(HTMLElement.prototype, "click", askForFile);
wrap(HTMLInputElement.prototype, "showPicker", askForFile);

// Requests under way, so that a wait for quiet does not end before the answer to a click has arrived.
let pendingRequests = 0;
const finished = () => { pendingRequests -= 1; };
wrap(window, "fetch", (fn, self, args) => {
  pendingRequests += 1;
  const answer = Reflect.apply(fn, self, args);
  answer.then(finished, finished);
  return answer;
});
wrap(XMLHttpRequest.prototype, "send", (fn, self, args) => {
  pendingRequests += 1;
  self.addEventListener("loadend", finished, { once: true });
  return Reflect.apply(fn, self, args);
});

let leaving = false; // a navigation to another document has begun
window.addEventListener("beforeunload", () => { leaving = true; });

// Ids belong to the outermost document of this origin, so that one look covers its same-origin frames too.
const idOf = (el) => {
  let id = ids.get(el);
  if (id === undefined) {
    id = (nextId++).toString(36);
    ids.set(el, id);
    elements.set(id, new WeakRef(el));
  }
  return id;
};

const elementOf = (id) => {
  const el = elements.get(id)?.deref();
  return el && el.isConnected && el.ownerDocument.defaultView ? el : null;
};

const peerOf = (el) => el.ownerDocument.defaultView?.[KEY]?.peer;
const listens = (el) => listening.has(el) || Boolean(peerOf(el)?.listening.has(el));
const shadowOf = (el) => el.shadowRoot || closedRoots.get(el) || peerOf(el)?.closedRoots.get(el) || null;

// Fallback for a document whose scripts ran before this one: the console's getEventListeners knows all listeners.
const learn = (getEventListeners, place) => {
  const look = (root) => {
    for (const el of root.querySelectorAll("*")) {
      for (const type of Object.keys(getEventListeners(el))) if (CLICK_EVENTS.has(type)) listening.add(el);
      const shadow = shadowOf(el);
      if (shadow) look(shadow);
    }
  };
  if (place.getElementsByTagName("*").length <= 20000) look(place);
};

// Boxes are in the coordinates of the outermost document of this origin.
const offsetOf = (el) => {
  let x = 0;
  let y = 0;
  for (let view = el.ownerDocument.defaultView; view && view !== window; view = view.parent) {
    const frame = view.frameElement;
    if (!frame) break;
    const box = frame.getBoundingClientRect();
    x += box.left + frame.clientLeft;
    y += box.top + frame.clientTop;
  }
  return { x, y };
};

const documentOf = (frame) => {
  try {
    return frame.contentDocument;
  } catch {
    return null;
  }
};
