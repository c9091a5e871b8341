// Roles of elements, after ARIA in HTML, cut down to what an outline needs.

const WIDGETS = new Set([
  "button", "checkbox", "combobox", "gridcell", "link", "listbox", "menuitem", "menuitemcheckbox", "menuitemradio",
  "option", "radio", "scrollbar", "searchbox", "slider", "spinbutton", "switch", "tab", "textbox", "treeitem",
]);
const CONTAINERS = new Set([
  "alertdialog", "banner", "complementary", "contentinfo", "dialog", "form", "grid", "group", "menu", "menubar",
  "main", "navigation", "radiogroup", "region", "search", "tablist", "toolbar", "tree", "table", "listbox",
]);
const UNNAMED_CONTAINERS = new Set([
  "alertdialog", "dialog", "navigation", "contentinfo", "complementary", "search", "tablist", "menu",
]);
const LIVE = new Set(["alert", "status", "log"]);
const NAMED_BY_CONTENT = new Set([
  "button", "checkbox", "gridcell", "heading", "link", "menuitem", "menuitemcheckbox", "menuitemradio", "option",
  "radio", "switch", "tab", "treeitem", "clickable",
]);
/** @type {Record<string, string>} */
const INPUT_ROLES = {
  button: "button", submit: "button", reset: "button", image: "button", checkbox: "checkbox", radio: "radio",
  range: "slider", number: "spinbutton", search: "searchbox", file: "file", date: "date", time: "time",
  month: "month", week: "week", "datetime-local": "datetime-local", color: "color",
};
/** @type {Record<string, string>} */
const TAG_ROLES = {
  button: "button", textarea: "textbox", summary: "button", nav: "navigation", aside: "complementary",
  dialog: "dialog", fieldset: "group", details: "group", output: "status", search: "search", form: "form",
  main: "main",
  table: "table", h1: "heading", h2: "heading", h3: "heading", h4: "heading", h5: "heading", h6: "heading",
  progress: "progressbar", meter: "meter",
};
const TEXT_ROLES = new Set(["textbox", "searchbox", "spinbutton", "combobox"]);
const VALUE_ROLES = new Set([
  ...TEXT_ROLES, "slider", "date", "time", "month", "week", "datetime-local", "color",
]);

/** @param {El} el */
const editable = (el) => {
  const value = el.getAttribute("contenteditable");
  return value !== null && value !== "false";
};

/** @param {string} role */
const isKnownRole = (role) =>
  WIDGETS.has(role) || CONTAINERS.has(role) || LIVE.has(role) || role === "heading" || role === "img";

/** @param {El} el @param {string} tag */
const roleOf = (el, tag) => {
  const given = el.getAttribute("role");
  if (given) {
    for (const role of given.toLowerCase().split(SPACES)) {
      if (isKnownRole(role)) return role;
      if (role === "presentation" || role === "none") return "";
    }
  }
  if (tag === "input") {
    return el.type === "hidden" ? "" : INPUT_ROLES[el.type ?? ""] || (el.list ? "combobox" : "textbox");
  }
  if (tag === "a" || tag === "area") return el.hasAttribute("href") ? "link" : "";
  if (tag === "select") return el.multiple || (el.size ?? 0) > 1 ? "listbox" : "combobox";
  if (tag === "summary") return el.parentElement?.localName === "details" ? "button" : "";
  if (tag === "footer") return el.closest("article,section,main") ? "" : "contentinfo";
  if (TAG_ROLES[tag]) return TAG_ROLES[tag];
  return editable(el) ? "textbox" : "";
};
