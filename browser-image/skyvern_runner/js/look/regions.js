// Regions: which part of the page is in view, and which can be brought into view by scrolling.

const LEAST_OVERFLOW = 4; // px that do not count as content to scroll to
const LEAST_AREA = 12; // px of height and width of an area that is worth scrolling

// How far a box can be scrolled in each direction, in px. What is laid out backwards counts backwards.
/** @param {El} el @param {CSSStyleDeclaration} style @returns {Edges} */
const roomOf = (el, style) => {
  const width = Math.max(0, el.scrollWidth - el.clientWidth);
  const height = Math.max(0, el.scrollHeight - el.clientHeight);
  const flexed = style.display.endsWith("flex");
  const leftwards = (style.direction === "rtl") !== (flexed && style.flexDirection === "row-reverse");
  const upwards = flexed && style.flexDirection === "column-reverse";
  const left = el.scrollLeft + (leftwards ? width : 0);
  const top = el.scrollTop + (upwards ? height : 0);
  return { left, top, right: width - left, bottom: height - top };
};

/** @param {string} overflow */
const scrolls = (overflow) => overflow === "auto" || overflow === "scroll" || overflow === "overlay";

// What a reader can scroll within an element; null if that is nothing.
/** @param {El} el @param {CSSStyleDeclaration} style @returns {Edges | null} */
const scrollRoom = (el, style) => {
  const across = scrolls(style.overflowX) && el.scrollWidth > el.clientWidth + LEAST_OVERFLOW;
  const down = scrolls(style.overflowY) && el.scrollHeight > el.clientHeight + LEAST_OVERFLOW;
  if ((!across && !down) || el.clientHeight < LEAST_AREA || el.clientWidth < LEAST_AREA) return null;
  const room = roomOf(el, style);
  return {
    left: across ? room.left : 0,
    right: across ? room.right : 0,
    top: down ? room.top : 0,
    bottom: down ? room.bottom : 0,
  };
};

// In screens of the area, as the outline has it.
/** @param {Edges} room @param {number} width @param {number} height */
const leftToScroll = (room, width, height) => {
  const parts = [];
  /** @param {number} px @param {number} screen @param {string} where */
  const tell = (px, screen, where) => {
    if (px >= 1) parts.push(`${Math.max(px / Math.max(screen, 1), 0.1).toFixed(1)} ${where}`);
  };
  if (room.top + room.bottom > LEAST_OVERFLOW) {
    parts.push(`${(room.top / height).toFixed(1)} screens above`, `${(room.bottom / height).toFixed(1)} below`);
  }
  tell(room.left, width, "left");
  tell(room.right, width, "right");
  return parts.length ? ` scrolls: ${parts.join(", ")}` : "";
};

/** @param {Edges} one @param {Edges} other @returns {Edges} */
const meet = (one, other) => ({
  left: Math.max(one.left, other.left),
  top: Math.max(one.top, other.top),
  right: Math.min(one.right, other.right),
  bottom: Math.min(one.bottom, other.bottom),
});

/** @param {Edges} edges @param {Edges} room @returns {Edges} */
const widened = (edges, room) => ({
  left: edges.left - room.left,
  top: edges.top - room.top,
  right: edges.right + room.right,
  bottom: edges.bottom + room.bottom,
});

// How far a reader can scroll a document.
/** @param {Document} place @returns {Edges} */
const pageRoom = (place) => {
  const root = place.documentElement;
  const style = styleOf(root);
  const bodyStyle = place.body ? styleOf(place.body) : style;
  const scroller = /** @type {El | null} */ (/** @type {unknown} */ (place.scrollingElement ?? root));
  const room = scroller ? roomOf(scroller, style) : { left: 0, top: 0, right: 0, bottom: 0 };
  // What a body asks for holds for the page when the page asks for nothing.
  /** @param {string} own @param {string} inner */
  const fixed = (own, inner) => own === "hidden" || own === "clip" || (own === "visible" && inner === "hidden");
  if (fixed(style.overflowX, bodyStyle.overflowX)) room.left = room.right = 0;
  if (fixed(style.overflowY, bodyStyle.overflowY)) room.top = room.bottom = 0;
  return room;
};

// What a document's position is, and how much is left; empty where nothing scrolls.
/** @param {Document} place */
const pageScroll = (place) => {
  const view = place.defaultView;
  return view ? leftToScroll(pageRoom(place), view.innerWidth, view.innerHeight) : "";
};

// The region of a document's content: `view` is its frame, `clip` what of that is in view.
/** @param {Document} place @param {Edges} view @param {Edges} clip @returns {Region} */
const regionOfDocument = (place, view, clip) => {
  const reach = widened(view, pageRoom(place));
  const root = /** @type {any} */ (place.scrollingElement ?? place.documentElement);
  // Scripts may have scrolled a page that a reader cannot scroll. And a page may yet grow downwards.
  reach.top = Math.min(reach.top, view.top - (root?.scrollTop ?? 0));
  reach.bottom = Infinity;
  return { clip, reach, apart: false };
};

/** The region of what is fixed in a view. @param {Edges} view @param {Edges} clip @returns {Region} */
const fixedIn = (view, clip) => ({ clip, reach: { ...view, bottom: Infinity }, apart: true });

// The region inside an element that cuts off what overflows it.
/**
 * @param {Region} outer
 * @param {El} el
 * @param {DOMRect} box
 * @param {Point} origin
 * @param {CSSStyleDeclaration} style
 */
const regionInside = (outer, el, box, origin, style) => {
  const left = box.left + el.clientLeft + origin.x;
  const top = box.top + el.clientTop + origin.y;
  const edges = { left, top, right: left + el.clientWidth, bottom: top + el.clientHeight };
  const reach = widened(edges, roomOf(el, style));
  const apart = outer.apart && !scrolls(style.overflowY) && !scrolls(style.overflowX);
  return { clip: meet(outer.clip, edges), reach, apart };
};

/** Whether a body cuts off what overflows it, and not the page for it. @param {El} body */
const cutsOff = (body) => styleOf(body.ownerDocument.documentElement).overflowX !== "visible";

// What a reader can scroll within an element, as the outline has it.
/** @param {El} el @param {CSSStyleDeclaration} style */
const scrollOf = (el, style) => {
  const room = scrollRoom(el, style);
  return room ? leftToScroll(room, el.clientWidth, el.clientHeight) : "";
};
