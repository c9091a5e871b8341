// Values and states of controls.

const SECRET_PURPOSE = /cc-(number|csc)|one-time-code|current-password|new-password/;
const SELECTED_ROLES = new Set(["tab", "option", "treeitem", "gridcell"]);
const TYPED_INPUTS = new Set(["password", "email", "tel", "url"]);

/** @param {El} el */
const secretField = (el) => el.type === "password" || SECRET_PURPOSE.test(el.autocomplete ?? "");

/** @param {El} el @param {string} role */
const valueOf = (el, role) => {
  if (el.localName === "select") {
    return Array.from(el.selectedOptions ?? [], (option) => clean(option.label)).join(", ");
  }
  if ("value" in el && el.localName !== "button" && el.localName !== "li") {
    const value = String(el.value);
    return el.type === "password" ? "*".repeat(Math.min(value.length, 8)) : value;
  }
  if (role === "combobox" || editable(el)) return textOf(el);
  return el.getAttribute("aria-valuetext") ?? el.getAttribute("aria-valuenow") ?? "";
};

/** @param {El} el */
const checkedOf = (el) => {
  if (el.type === "checkbox" || el.type === "radio") return el.indeterminate ? "mixed" : String(el.checked);
  return el.getAttribute("aria-checked") ?? el.getAttribute("aria-pressed") ?? el.getAttribute("aria-selected");
};
/** @param {El} el */
const expandedOf = (el) => {
  const given = el.getAttribute("aria-expanded");
  if (given !== null || el.localName !== "summary" || !el.parentElement) return given;
  return String(/** @type {El} */ (el.parentElement).open);
};
/** @param {El} el */
const disabledOf = (el) => el.matches(":disabled") || el.closest("[aria-disabled=true]") !== null;
/** @param {El} el */
const readOnlyOf = (el) => el.readOnly === true || el.getAttribute("aria-readonly") === "true";
/** @param {El} el */
const refusedOf = (el) => Boolean(el.validationMessage) && el.matches(":user-invalid");
/** @param {El} el */
const invalidOf = (el) => el.getAttribute("aria-invalid") === "true" || refusedOf(el);
// What the page, or the browser, says is wrong with a field.
/** @param {El} el */
const complaintOf = (el) => {
  if (el.getAttribute("aria-invalid") !== "true") return refusedOf(el) ? el.validationMessage ?? "" : "";
  return byReference(el, "aria-errormessage") || byReference(el, "aria-describedby") || (el.validationMessage ?? "");
};

/** @param {string} text @param {number} limit */
const quoted = (text, limit) => stringify(cut(clean(text), limit));

/** @param {HTMLOptionsCollection} all @param {number} shown */
const optionsOf = (all, shown) => {
  const labels = [];
  for (let i = 0; i < all.length && labels.length < shown; i += 1) {
    if (!all[i].disabled || all[i].selected) labels.push(cut(clean(all[i].label), 60));
  }
  const rest = all.length - shown;
  if (rest > 0) labels.push(`... ${rest} more`);
  return "[" + labels.map((label) => stringify(label)).join(", ") + "]";
};

/** @param {El} el @param {string} role */
const inputStates = (el, role) => {
  let out = "";
  if (TYPED_INPUTS.has(el.type ?? "")) out += ` type=${el.type}`;
  if (role === "slider" || role === "spinbutton" || role === "date") {
    if (el.min) out += ` min=${quoted(el.min, 20)}`;
    if (el.max) out += ` max=${quoted(el.max, 20)}`;
  }
  if (role === "file") {
    if (el.accept) out += ` accept=${quoted(el.accept, 60)}`;
    if (el.multiple) out += " multiple";
    if (el.files?.length) out += ` value=${quoted(Array.from(el.files, (file) => file.name).join(", "), 80)}`;
  }
  return out;
};

// The states of a control, in the outline's words.
/** @param {El} el @param {string} role */
const statesOf = (el, role) => {
  let out = "";
  if (VALUE_ROLES.has(role) || role === "listbox") {
    const value = clean(valueOf(el, role));
    if (value) out += ` value=${stringify(cut(value, 120))}`;
    else if (el.placeholder) out += ` placeholder=${quoted(el.placeholder, 60)}`;
  }
  if (el.localName === "select" && el.options) {
    out += ` options=${optionsOf(el.options, el.options.length <= 12 ? 12 : 6)}`;
  }
  if (el.localName === "input") out += inputStates(el, role);
  const checked = checkedOf(el);
  if (checked === "true") {
    out += SELECTED_ROLES.has(role) ? " selected" : role === "button" ? " pressed" : " checked";
  } else if (checked === "mixed") {
    out += " mixed";
  }
  const expanded = expandedOf(el);
  if (expanded === "true") out += " expanded";
  else if (expanded === "false") out += " collapsed";
  if (el.required || el.getAttribute("aria-required") === "true") out += " required";
  if (disabledOf(el)) out += " disabled";
  if (readOnlyOf(el) && VALUE_ROLES.has(role)) out += " readonly";
  if (invalidOf(el)) {
    const complaint = complaintOf(el);
    out += complaint ? ` invalid=${quoted(complaint, 120)}` : " invalid";
  }
  return out;
};

// The state of a control before or after an action.
/** @param {El} el */
const stateOf = (el) => {
  const role = roleOf(el, el.localName);
  return {
    role,
    value: clean(valueOf(el, role)),
    raw: "value" in el ? String(el.value) : textOf(el, 4000),
    secret: secretField(el),
    phone: el.type === "tel" || (el.autocomplete ?? "").startsWith("tel"),
    chosen: el.localName === "select" ? Array.from(el.selectedOptions ?? [], (option) => clean(option.label)) : [],
    checked: checkedOf(el),
    expanded: expandedOf(el),
    focused: el.getRootNode().activeElement === el || el.contains(el.ownerDocument.activeElement),
    invalid: invalidOf(el),
    connected: el.isConnected,
  };
};

// Only digits: the page's text must not reach the outline unquoted.
/**
 * @param {Element} el
 * @param {string} tag
 */
const headingLevel = (el, tag) => {
  const stated = el.getAttribute("aria-level") ?? "";
  return /^\d{1,2}$/.test(stated) ? stated : /^h\d$/.test(tag) ? tag[1] : "2";
};
