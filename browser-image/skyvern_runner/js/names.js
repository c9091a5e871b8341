// Roles, names, states and values of elements, after ARIA in HTML and accname, cut down to what an outline needs.

const SPACES = /\s+/g;
const clean = (text) => text.replace(INVISIBLE, "").replace(SPACES, " ").trim();
const cut = (text, limit) => (text.length > limit ? text.slice(0, limit - 1).trimEnd() + "…" : text);

const WIDGETS = new Set(["button", "checkbox", "combobox", "gridcell", "link", "listbox", "menuitem", "menuitemcheckbox",
  "menuitemradio", "option", "radio", "scrollbar", "searchbox", "slider", "spinbutton", "switch", "tab", "textbox", "treeitem"]);
const CONTAINERS = new Set(["alertdialog", "banner", "complementary", "contentinfo", "dialog", "form", "grid", "group",
  "menu", "menubar", "navigation", "radiogroup", "region", "search", "tablist", "toolbar", "tree", "table", "listbox"]);
const UNNAMED_CONTAINERS = new Set(["alertdialog", "dialog", "navigation", "contentinfo", "complementary", "search", "tablist", "menu"]);
const LIVE = new Set(["alert", "status", "log"]);
const NAMED_BY_CONTENT = new Set(["button", "checkbox", "gridcell", "heading", "link", "menuitem", "menuitemcheckbox",
  "menuitemradio", "option", "radio", "switch", "tab", "treeitem", "clickable"]);
const INPUT_ROLES = { button: "button", submit: "button", reset: "button", image: "button", checkbox: "checkbox", radio: "radio",
  range: "slider", number: "spinbutton", search: "searchbox", file: "file", date: "date", time: "time", month: "month",
  week: "week", "datetime-local": "datetime-local", color: "color" };
const TAG_ROLES = { button: "button", textarea: "textbox", summary: "button", nav: "navigation", aside: "complementary",
  dialog: "dialog", fieldset: "group", details: "group", output: "status", search: "search", form: "form", table: "table",
  h1: "heading", h2: "heading", h3: "heading", h4: "heading", h5: "heading", h6: "heading", progress: "progressbar", meter: "meter" };
const TEXT_ROLES = new Set(["textbox", "searchbox", "spinbutton", "combobox"]);
const VALUE_ROLES = new Set([...TEXT_ROLES, "slider", "date", "time", "month", "week", "datetime-local", "color"]);
const MAX_NAME = 160;

const editable = (el) => {
  const value = el.getAttribute("contenteditable");
  return value !== null && value !== "false";
};

const roleOf = (el, tag) => {
  const given = el.getAttribute("role");
  if (given) {
    for (const role of given.toLowerCase().split(SPACES)) {
      if (WIDGETS.has(role) || CONTAINERS.has(role) || LIVE.has(role) || role === "heading" || role === "img") return role;
      if (role === "presentation" || role === "none") return "";
    }
  }
  if (tag === "input") return el.type === "hidden" ? "" : INPUT_ROLES[el.type] || (el.list ? "combobox" : "textbox");
  if (tag === "a" || tag === "area") return el.hasAttribute("href") ? "link" : "";
  if (tag === "select") return el.multiple || el.size > 1 ? "listbox" : "combobox";
  if (tag === "summary") return el.parentElement?.localName === "details" ? "button" : "";
  if (tag === "footer") return el.closest("article,section,main") ? "" : "contentinfo";
  if (TAG_ROLES[tag]) return TAG_ROLES[tag];
  if (editable(el)) return "textbox";
  return "";
};

// Text as a reader sees it: no hidden parts, images by their alternative text.
const textOf = (node, limit = 400) => {
  if (!node.firstElementChild) {
    const shadow = node.nodeType === 1 ? shadowOf(node) : null;
    if (!shadow) return clean(node.textContent.slice(0, limit * 4));
  }
  const parts = [];
  let length = 0;
  const collect = (parent) => {
    for (const child of childrenOf(parent)) {
      if (length > limit) return;
      if (child.nodeType === 3) {
        parts.push(child.data);
        length += child.data.trim().length;
      } else if (child.nodeType === 1) {
        const tag = child.localName;
        if (SKIPPED.has(tag) || tag === "select" || tag === "textarea") continue;
        if (child.getAttribute("aria-hidden") === "true" && tag !== "span") continue;
        const style = styleOf(child);
        if (style.display === "none" || style.visibility === "hidden") continue;
        const label = tag === "img" ? child.alt : child.getAttribute("aria-label");
        if (label) parts.push(" ", label, " ");
        else if (tag === "svg") parts.push(child.querySelector("title")?.textContent ?? "");
        else {
          const apart = !style.display.startsWith("inline");
          if (apart) parts.push(" ");
          collect(child);
          if (apart) parts.push(" ");
        }
      }
    }
  };
  collect(node);
  return clean(parts.join(""));
};

const byReference = (el, attribute) => {
  const value = el.getAttribute(attribute);
  if (!value) return "";
  const root = el.getRootNode();
  const texts = [];
  for (const id of value.split(SPACES)) {
    const other = root.getElementById?.(id);
    if (other) texts.push(other === el ? el.getAttribute("aria-label") ?? textOf(el) : other.getAttribute("aria-label") || textOf(other));
  }
  return clean(texts.join(" "));
};

const labelText = (label, control) => {
  if (!label.contains(control)) return textOf(label);
  const texts = [];
  for (const child of label.childNodes) {
    if (child.nodeType === 3) texts.push(child.data);
    else if (child.nodeType === 1 && child !== control && !SKIPPED.has(child.localName) && styleOf(child).display !== "none") {
      if (!child.contains(control)) texts.push(textOf(child));
      else texts.push(labelText(child, control));
    }
  }
  return clean(texts.join(" "));
};

const nameOf = (el, role) => {
  const tag = el.localName;
  let name = byReference(el, "aria-labelledby") || clean(el.getAttribute("aria-label") ?? "");
  if (!name && "labels" in el) name = clean(labelsOf(el).map((label) => labelText(label, el)).join(" "));
  if (!name && tag === "input" && role === "button") name = clean(el.value || el.alt || el.title || (el.type === "submit" ? "Submit" : el.type === "reset" ? "Reset" : ""));
  if (!name && tag === "fieldset") name = textOf(el.querySelector(":scope > legend") ?? document.createElement("i"));
  if (!name && tag === "table") name = textOf(el.querySelector(":scope > caption") ?? document.createElement("i"));
  if (!name && (tag === "img" || tag === "area")) name = clean(el.alt ?? "");
  if (!name && NAMED_BY_CONTENT.has(role)) name = textOf(el);
  if (!name) name = clean(el.getAttribute("title") || el.getAttribute("placeholder") || el.getAttribute("aria-placeholder") || "");
  if (!name && (TEXT_ROLES.has(role) || role === "checkbox" || role === "radio")) name = nearbyText(el);
  if (!name && NAMED_BY_CONTENT.has(role)) name = hintOf(el);
  return cut(name, MAX_NAME);
};

// A control without any label takes the text right before it (or after it, for check boxes and radios).
const nearbyText = (el) => {
  const after = el.type === "checkbox" || el.type === "radio";
  for (let node = el; node && node !== document.body; node = node.parentElement) {
    const next = after ? node.nextSibling : node.previousSibling;
    for (let other = next; other; other = after ? other.nextSibling : other.previousSibling) {
      const text = other.nodeType === 3 ? clean(other.data) : other.nodeType === 1 && !SKIPPED.has(other.localName) ? textOf(other) : "";
      if (other.nodeType === 1 && other.matches("input,select,textarea,button")) return "";
      if (text) return text.length <= 80 ? text : "";
    }
    if (node.parentElement?.querySelectorAll("input,select,textarea").length > 1) return "";
  }
  return "";
};

// For an icon without a name: words of its test id, name or classes.
const hintOf = (el) => {
  const source = el.dataset?.testid || el.getAttribute("name") || el.id || el.getAttribute("class") ||
    el.firstElementChild?.getAttribute("class") || "";
  return cut(clean(String(source).replace(/[_-]+/g, " ")), 40);
};

const secretField = (el) => el.type === "password" || /cc-(number|csc)|one-time-code|current-password|new-password/.test(el.autocomplete ?? "");
const valueOf = (el, role) => {
  if (el.localName === "select") return Array.from(el.selectedOptions, (option) => clean(option.label)).join(", ");
  if ("value" in el && el.localName !== "button" && el.localName !== "li") return el.type === "password" ? "*".repeat(Math.min(el.value.length, 8)) : String(el.value);
  if (role === "combobox" || editable(el)) return textOf(el);
  return el.getAttribute("aria-valuetext") ?? el.getAttribute("aria-valuenow") ?? "";
};

const checkedOf = (el) => {
  if (el.type === "checkbox" || el.type === "radio") return el.indeterminate ? "mixed" : String(el.checked);
  return el.getAttribute("aria-checked") ?? el.getAttribute("aria-pressed") ?? el.getAttribute("aria-selected");
};
const expandedOf = (el) => el.getAttribute("aria-expanded") ?? (el.localName === "summary" && el.parentElement ? String(el.parentElement.open) : null);
const disabledOf = (el) => el.matches(":disabled") || el.closest("[aria-disabled=true]") !== null;
const readOnlyOf = (el) => el.readOnly === true || el.getAttribute("aria-readonly") === "true";

const quoted = (text, limit) => stringify(cut(clean(text), limit));

const optionsOf = (el, shown) => {
  const labels = [];
  const all = el.options;
  for (let i = 0; i < all.length && labels.length < shown; i += 1) if (!all[i].disabled || all[i].selected) labels.push(cut(clean(all[i].label), 60));
  const rest = all.length - shown;
  if (rest > 0) labels.push(`... ${rest} more`);
  return "[" + labels.map((label) => stringify(label)).join(", ") + "]";
};

// The states of a control, in the outline's words.
const statesOf = (el, role) => {
  let out = "";
  const tag = el.localName;
  if (VALUE_ROLES.has(role) || role === "listbox") {
    const value = clean(valueOf(el, role));
    if (value) out += ` value=${stringify(cut(value, 120))}`;
    else if (el.placeholder) out += ` placeholder=${quoted(el.placeholder, 60)}`;
  }
  if (tag === "select") out += ` options=${optionsOf(el, el.options.length <= 12 ? 12 : 6)}`;
  if (tag === "input") {
    if (el.type === "password" || el.type === "email" || el.type === "tel" || el.type === "url") out += ` type=${el.type}`;
    if (role === "slider" || role === "spinbutton" || role === "date") {
      if (el.min) out += ` min=${quoted(el.min, 20)}`;
      if (el.max) out += ` max=${quoted(el.max, 20)}`;
    }
    if (role === "file") {
      if (el.accept) out += ` accept=${quoted(el.accept, 60)}`;
      if (el.multiple) out += " multiple";
      if (el.files.length) out += ` value=${quoted(Array.from(el.files, (file) => file.name).join(", "), 80)}`;
    }
  }
  const checked = checkedOf(el);
  if (checked === "true") out += role === "tab" || role === "option" || role === "treeitem" || role === "gridcell" ? " selected" : role === "button" ? " pressed" : " checked";
  else if (checked === "mixed") out += " mixed";
  const expanded = expandedOf(el);
  if (expanded === "true") out += " expanded";
  else if (expanded === "false") out += " collapsed";
  if (el.required || el.getAttribute("aria-required") === "true") out += " required";
  if (disabledOf(el)) out += " disabled";
  if (readOnlyOf(el) && VALUE_ROLES.has(role)) out += " readonly";
  if (el.getAttribute("aria-invalid") === "true") out += " invalid";
  return out;
};
