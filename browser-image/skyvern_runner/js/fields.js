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

// What takes the text: the element, or the field inside it (a combobox's input, a labeled wrapper).
/** @type {(el: El) => El | null} */
const fieldOf = (el) => {
  if (el.matches("input,textarea") || editable(el)) return el;
  const inner = innerField(el);
  if (inner) return inner;
  const active = /** @type {El | null} */ (el.ownerDocument.activeElement);
  return active?.matches("input,textarea,[contenteditable]") ? active : null;
};

// Focus a field and select what it holds, so that typing replaces it.
/** @param {string} id */
const enter = (id) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  const field = fieldOf(el);
  if (!field) return fail(`${labelFor(el)} takes no text`);
  if (field.getRootNode().activeElement !== field) field.focus({ preventScroll: true });
  let empty;
  if (typeof field.select === "function") {
    field.select();
    empty = field.value === "";
  } else {
    const range = field.ownerDocument.createRange();
    range.selectNodeContents(field);
    const selection = field.ownerDocument.getSelection();
    selection?.removeAllRanges();
    selection?.addRange(range);
    empty = field.textContent === "";
  }
  const { type = "", maxLength: maximum = -1 } = field;
  return stringify({ id: idOf(field), empty, type, maximum, state: stateOf(field) });
};

// The last resort for fields that swallow typed characters, and the normal way for date, time, color and range inputs.
/** @param {string} id @param {string} value */
const setValue = (id, value) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  const field = fieldOf(el) ?? el;
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
  (fieldOf(el) ?? el).focus({ preventScroll: true });
  return stringify({});
};
