// Filling fields. Each call answers with what the control holds afterwards.

const TEXT_FIELDS = "input:not([type=hidden]),textarea,[contenteditable=true],[contenteditable='']";

/** @param {El} el @param {string[]} types */
const tell = (el, ...types) => {
  for (const type of types) {
    const event = type === "input"
      ? new InputEvent("input", { bubbles: true, composed: true })
      : new Event(type, { bubbles: true, composed: type !== "change" });
    el.dispatchEvent(event);
  }
};

// Frameworks replace the value property of the element; the prototype's setter reaches the control itself.
/** @param {El} el @param {string} value */
const setNative = (el, value) => {
  let proto = Object.getPrototypeOf(el);
  while (proto && !Object.getOwnPropertyDescriptor(proto, "value")?.set) proto = Object.getPrototypeOf(proto);
  const setter = proto && Object.getOwnPropertyDescriptor(proto, "value")?.set;
  if (setter) setter.call(el, value);
  else el.value = value;
};

/** The field inside an element that takes no text itself. @type {(el: El) => El | null | undefined} */
const innerField = (el) => {
  if (el.localName === "label") return el.control;
  return el.querySelector(TEXT_FIELDS) ?? shadowOf(el)?.querySelector(TEXT_FIELDS);
};

/** What the action under way aims at, the focus before it, and the first id given since. @type {Aimed | null} */
let aimed = null;
/** The field that is typed into, and where typing went instead. @type {{ field: El, strayed: El | null } | null} */
let typing = null;

/** The element in focus, in shadow roots too. @param {Document} place */
const focusIn = (place) => {
  let at = /** @type {El | null} */ (place.activeElement);
  for (;;) {
    const inner = at && /** @type {El | null | undefined} */ (shadowOf(at)?.activeElement);
    if (!inner) return at;
    at = inner;
  }
};

/** @param {El} el */
const takeAim = (el) => {
  typing = null;
  aimed = { el, focus: focusIn(el.ownerDocument), firstId: nextId };
};

// What takes the text: the element, the field inside it (a combobox's input, a labeled wrapper), or a field that a
// click on it brought up. Any other field that has the focus is none of its business.
/** @type {(el: El) => El | null} */
const fieldOf = (el) => {
  if (el.matches("input,textarea") || editable(el)) return el;
  const inner = innerField(el);
  if (inner) return inner;
  const active = focusIn(el.ownerDocument);
  if (!active?.matches("input,textarea,[contenteditable]")) return null;
  if (isInside(active, el)) return active;
  const known = parseInt(ids.get(active) ?? "zzzzzzzz", 36) < (aimed?.firstId ?? 0);
  return aimed?.el === el && aimed.focus !== active && !known ? active : null;
};

// Keys go to whatever has the focus. While a field is typed into, the page may move the focus: then they reach nothing.
/** @param {Event} event */
const keepInField = (event) => {
  if (!typing) return;
  const at = event.composedPath()[0];
  const { field } = typing;
  if (!isElement(/** @type {Node} */ (at)) || isInside(/** @type {Node} */ (at), field)) return;
  if (shadowOf(/** @type {El} */ (at)) && isInside(field, /** @type {El} */ (at))) return;
  typing.strayed = /** @type {El} */ (at);
  event.preventDefault();
  event.stopImmediatePropagation();
};
const GUARDED_EVENTS = ["keydown", "keypress", "beforeinput"];
for (const type of GUARDED_EVENTS) window.addEventListener(type, keepInField, true);

// Focus a field and select what it holds, so that typing replaces it.
/** @param {string} id @param {boolean} append whether what is typed is added: then a rich text is left as it is */
const enter = (id, append = false) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  const field = fieldOf(el);
  if (!field) return fail(`${labelFor(el)} takes no text`);
  if (field.getRootNode().activeElement !== field) field.focus({ preventScroll: true });
  const focus = focusIn(field.ownerDocument);
  if (!focus || !(isInside(focus, field) || (editable(focus) && isInside(field, focus)))) {
    const other = focus && focus !== field.ownerDocument.body ? `: ${labelFor(focus)} has it` : "";
    return fail(`${labelFor(el)} does not take the focus${other}`);
  }
  const view = field.ownerDocument.defaultView;
  if (view && view !== window) for (const type of GUARDED_EVENTS) view.addEventListener(type, keepInField, true);
  typing = { field, strayed: null };
  let empty;
  if (typeof field.select === "function") {
    field.select();
    empty = field.value === "";
  } else {
    const range = field.ownerDocument.createRange();
    range.selectNodeContents(field);
    if (append) range.collapse(false);
    const selection = field.ownerDocument.getSelection();
    selection?.removeAllRanges();
    selection?.addRange(range);
    empty = field.textContent === "";
  }
  const { type = "", maxLength: maximum = -1 } = field;
  return stringify({ id: idOf(field), empty, type, maximum, rich: editable(field), state: stateOf(field) });
};

// The last resort for fields that swallow typed characters, and the normal way for date, time, color and range inputs.
/** @param {string} id @param {string} value */
const setValue = (id, value) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  const field = fieldOf(el);
  if (!field) return fail(`${labelFor(el)} takes no text`);
  if (disabledOf(field)) return fail(`disabled: ${labelFor(el)} cannot be used now`);
  if (readOnlyOf(field)) return fail(`readonly: ${labelFor(el)} cannot be typed into`);
  if (!watch) startWatch();
  field.focus({ preventScroll: true });
  if (editable(field)) {
    field.textContent = value;
    tell(field, "input");
  } else {
    setNative(field, value);
    tell(field, "input", "change");
  }
  return stringify({ state: stateOf(field) });
};

/** A click by script, for a control that a real click does not change. @param {string} id */
const press = (id) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  startWatch();
  el.click();
  return stringify({});
};

/** @param {string} id */
const focusOn = (id) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  const field = fieldOf(el) ?? el;
  field.focus({ preventScroll: true });
  const focus = focusIn(field.ownerDocument);
  if (focus && isInside(focus, field)) return stringify({});
  return fail(`${labelFor(el)} does not take the focus: leave the id out to press the key where the focus is`);
};
