// Giving controls a value: text, options, files. Each answers with what the control holds afterwards.

const tell = (el, ...types) => {
  for (const type of types) {
    const event = type === "input" ? new InputEvent("input", { bubbles: true, composed: true }) : new Event(type, { bubbles: true, composed: type !== "change" });
    el.dispatchEvent(event);
  }
};

// Frameworks replace the value property of the element; the prototype's setter reaches the control itself.
const setNative = (el, value) => {
  let proto = Object.getPrototypeOf(el);
  while (proto && !Object.getOwnPropertyDescriptor(proto, "value")?.set) proto = Object.getPrototypeOf(proto);
  const setter = proto && Object.getOwnPropertyDescriptor(proto, "value").set;
  if (setter) setter.call(el, value);
  else el.value = value;
};

// What really takes text: the element, or the field inside it (a combobox's input, a labeled wrapper).
const fieldOf = (el) => {
  if (el.matches("input,textarea") || editable(el)) return el;
  const inner = el.localName === "label" ? el.control : el.querySelector("input:not([type=hidden]),textarea,[contenteditable=true],[contenteditable='']") ?? shadowOf(el)?.querySelector("input:not([type=hidden]),textarea,[contenteditable=true]");
  return inner ?? (el.ownerDocument.activeElement?.matches("input,textarea,[contenteditable]") ? el.ownerDocument.activeElement : null);
};

// Focus a field and select what it holds, so that typing replaces it.
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
    selection.removeAllRanges();
    selection.addRange(range);
    empty = field.textContent === "";
  }
  return stringify({ id: idOf(field), empty, type: field.type ?? "", maximum: field.maxLength ?? -1, state: stateOf(field) });
};

// Last resort for fields that eat typed characters, and the way for date, time, color and range inputs.
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

const plainText = (text) => clean(text).toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
const words = (text) => plainText(text).replace(/[^\p{L}\p{N}]+/gu, " ").trim();

// Index of the wanted one among labels (and values): exact, then without case and accents, then words, prefix, contained. -1: none; -2: several.
const matchOf = (wanted, labels, values = []) => {
  const rules = [
    (i) => labels[i] === wanted || values[i] === wanted,
    (i) => plainText(labels[i]) === plainText(wanted) || (values[i] && plainText(values[i]) === plainText(wanted)),
    (i) => words(labels[i]) === words(wanted) && words(wanted) !== "",
    (i) => words(wanted) !== "" && words(labels[i]).startsWith(words(wanted)),
    (i) => words(wanted).length > 1 && ` ${words(labels[i])} `.includes(` ${words(wanted)} `),
    (i) => words(labels[i]).length > 2 && ` ${words(wanted)} `.includes(` ${words(labels[i])} `),
    (i) => words(wanted).length > 2 && words(labels[i]).includes(words(wanted)),
  ];
  let several = false;
  for (const [order, rule] of rules.entries()) {
    const hits = [];
    for (let i = 0; i < labels.length; i += 1) if (rule(i)) hits.push(i);
    if (hits.length === 1 || (hits.length > 1 && order < 3)) return hits[0];
    several ||= hits.length > 1;
  }
  return several ? -2 : -1;
};

const noMatch = (wanted, labels, index) => {
  const close = labels.filter((label) => words(label).includes(words(wanted).split(" ")[0] || " ")).slice(0, 8);
  const shown = (close.length ? close : labels.slice(0, 8)).map((label) => stringify(cut(label, 40))).join(", ");
  return fail(`${index === -2 ? "several options match" : "no option matches"} ${stringify(wanted)}; ${labels.length} options: ${shown}${labels.length > 8 ? ", ..." : ""}`);
};

// Native select: all in the page, since asking option by option through WebDriver takes seconds for a long list.
const pickNative = (id, wanted) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  if (el.localName !== "select") return stringify({ native: false });
  if (disabledOf(el)) return fail(`disabled: ${labelFor(el)} cannot be used now`);
  const options = Array.from(el.options);
  const labels = options.map((option) => clean(option.label));
  let index = matchOf(clean(wanted), labels, options.map((option) => option.value));
  const number = /^(?:index|#)?\s*[=:]?\s*(\d+)$/i.exec(wanted.trim());
  if (index < 0 && number && Number(number[1]) < options.length) index = Number(number[1]);
  if (index < 0) return noMatch(wanted, labels, index);
  if (options[index].disabled || options[index].parentElement.disabled) return fail(`disabled: the option ${stringify(labels[index])} cannot be chosen`);
  startWatch();
  faceOf(el).scrollIntoView({ block: "nearest", behavior: "instant" });
  el.focus({ preventScroll: true });
  const changes = !options[index].selected;
  if (el.multiple) options[index].selected = true;
  else el.selectedIndex = index;
  if (changes) tell(el, "input", "change");
  return stringify({ native: true, chosen: labels[index], held: options[index].selected });
};

// The option of an opened custom list: among those that its combobox names, those that appeared, or all that show.
const findOption = (id, wanted, fresh) => {
  const el = id ? elementOf(id) : null;
  let pool = [];
  if (el) {
    for (const attribute of ["aria-controls", "aria-owns"]) {
      for (const name of (el.getAttribute(attribute) ?? "").split(SPACES)) {
        const list = name && (el.getRootNode().getElementById?.(name) ?? document.getElementById(name));
        if (list) pool.push(...list.querySelectorAll("[role=option],[role=menuitem],[role=menuitemradio],[role=treeitem],li,option"));
      }
    }
    if (el.matches("[role=listbox],[role=menu],[role=radiogroup],[role=tablist]")) pool.push(...el.querySelectorAll("[role=option],[role=menuitem],[role=radio],[role=tab],li"));
  }
  if (pool.length === 0) pool = fresh.map(elementOf).filter(Boolean);
  if (pool.length === 0) {
    for (const ref of knownRoots) pool.push(...(ref.deref()?.querySelectorAll("[role=option]") ?? []));
  }
  pool = pool.filter(visible);
  if (pool.length === 0) return stringify({ none: true });
  const labels = pool.map((option) => nameOf(option, "option"));
  const index = matchOf(clean(wanted), labels, pool.map((option) => option.dataset.value ?? ""));
  if (index < 0) return noMatch(wanted, labels, index);
  return stringify({ id: idOf(pool[index]), label: labels[index] });
};
