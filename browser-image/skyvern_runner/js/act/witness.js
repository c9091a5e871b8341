// Which events of the input under way reached the page: the evidence that it was more than sent.

const WITNESSED = [
  "mousedown", "mouseup", "click", "dblclick", "auxclick", "contextmenu", "mouseover", "mousemove", "dragstart",
  "dragover", "drop", "dragend", "keydown", "keyup",
];
/** How often each type was seen since the action began. @type {Record<string, number>} */
let eventsSeen = {};
/** Windows whose events are counted. @type {WeakSet<Window>} */
const watchedViews = new WeakSet();

/** Only what the browser dispatched counts, not what a page's script made up. @param {Event} event */
const witness = (event) => {
  if (event.isTrusted) eventsSeen[event.type] = (eventsSeen[event.type] ?? 0) + 1;
};

/** @param {Window | null} view */
const watchView = (view) => {
  if (!view || watchedViews.has(view)) return;
  watchedViews.add(view);
  for (const type of WITNESSED) view.addEventListener(type, witness, { capture: true, passive: true });
};
watchView(window);

/** The frame that holds the focus, at any depth. Its content is null for another origin. */
const focusedFrame = () => {
  let focus = focusIn(document);
  for (let inner = focus; inner?.localName === "iframe";) {
    focus = inner;
    const content = documentOf(inner);
    if (!content) break;
    watchView(content.defaultView);
    inner = focusIn(content);
  }
  return focus?.localName === "iframe" ? focus : null;
};

// Null when the keys go to a document of another origin, whose events cannot be seen from here.
const witnessed = () => {
  const frame = focusedFrame();
  return frame && !documentOf(frame) ? null : eventsSeen;
};
