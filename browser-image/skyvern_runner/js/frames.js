// Frames: where their content is, and how to reach them.

/** @param {El} frame */
const documentOf = (frame) => {
  try {
    return /** @type {HTMLIFrameElement} */ (/** @type {unknown} */ (frame)).contentDocument;
  } catch {
    return null;
  }
};

// Boxes are in the coordinates of the outermost document of this origin.
/** @param {El} el */
const offsetOf = (el) => {
  let x = 0;
  let y = 0;
  for (let view = el.ownerDocument.defaultView; view && view !== window; view = /** @type {any} */ (view.parent)) {
    const frame = view.frameElement;
    if (!frame) break;
    const box = frame.getBoundingClientRect();
    x += box.left + frame.clientLeft;
    y += box.top + frame.clientTop;
  }
  return { x, y };
};

// The box of a frame's content, for the coordinates of a document of another origin inside it.
/** @param {string} id */
const frameBox = (id) => {
  const frame = elementOf(id);
  if (!frame) return fail(GONE);
  reveal(frame);
  const box = frame.getBoundingClientRect();
  const { x, y } = offsetOf(frame);
  return stringify({ x: box.left + frame.clientLeft + x, y: box.top + frame.clientTop + y });
};

// Frames from the outermost document of this origin down to the one that holds the element.
/** @param {string} id */
const framePath = (id) => {
  const path = [];
  let view = elementOf(id)?.ownerDocument.defaultView;
  for (; view && view !== window; view = /** @type {any} */ (view.parent)) {
    path.unshift(idOf(/** @type {El} */ (view.frameElement)));
  }
  return stringify(path);
};
