// Choosing an option: of a native select, and of a list that the page draws.

const OPTIONS = "[role=option],[role=menuitem],[role=menuitemradio],[role=treeitem],li,option";
const OWN_LISTS = "[role=listbox],[role=menu],[role=radiogroup],[role=tablist]";
const OWN_OPTIONS = "[role=option],[role=menuitem],[role=radio],[role=tab],li";
const AN_INDEX = /^(?:index|#)?\s*[=:]?\s*(\d+)$/i;
const SEVERAL = -2;

/** @param {string} text */
const plainText = (text) => clean(text).toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
/** @param {string} text */
const words = (text) => plainText(text).replace(/[^\p{L}\p{N}]+/gu, " ").trim();

// Index of the wanted one among labels (and values): exact, then without case and accents, then words, prefix,
// contained. -1: none; SEVERAL: more than one.
/** @param {string} wanted @param {string[]} labels @param {string[]} values */
const matchOf = (wanted, labels, values = []) => {
  const plain = plainText(wanted);
  const sought = words(wanted);
  /** @type {((i: number) => boolean)[]} */
  const rules = [
    (i) => labels[i] === wanted || values[i] === wanted,
    (i) => plainText(labels[i]) === plain || Boolean(values[i] && plainText(values[i]) === plain),
    (i) => words(labels[i]) === sought && sought !== "",
    (i) => sought !== "" && words(labels[i]).startsWith(sought),
    (i) => sought.length > 1 && ` ${words(labels[i])} `.includes(` ${sought} `),
    (i) => words(labels[i]).length > 2 && ` ${sought} `.includes(` ${words(labels[i])} `),
    (i) => sought.length > 2 && words(labels[i]).includes(sought),
  ];
  let several = false;
  for (const [order, rule] of rules.entries()) {
    const hits = [];
    for (let i = 0; i < labels.length; i += 1) if (rule(i)) hits.push(i);
    if (hits.length === 1 || (hits.length > 1 && order < 3)) return hits[0];
    several ||= hits.length > 1;
  }
  return several ? SEVERAL : -1;
};

/** @param {string} wanted @param {string[]} labels @param {number} index */
const noMatch = (wanted, labels, index) => {
  const first = words(wanted).split(" ")[0] || " ";
  const close = labels.filter((label) => words(label).includes(first)).slice(0, 8);
  const shown = (close.length ? close : labels.slice(0, 8)).map((label) => stringify(cut(label, 40))).join(", ");
  const problem = index === SEVERAL ? "several options match" : "no option matches";
  const more = labels.length > 8 ? ", ..." : "";
  return fail(`${problem} ${stringify(wanted)}; ${labels.length} options: ${shown}${more}`);
};

// A native select is handled in the page: asking option by option through WebDriver takes seconds for a long list.
/** @param {string} id @param {string} wanted */
const pickNative = (id, wanted) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  if (el.localName !== "select") return stringify({ native: false });
  if (disabledOf(el)) return fail(`disabled: ${labelFor(el)} cannot be used now`);
  const options = Array.from(el.options ?? []);
  const labels = options.map((option) => clean(option.label));
  let index = matchOf(clean(wanted), labels, options.map((option) => option.value));
  const number = AN_INDEX.exec(wanted.trim());
  if (index < 0 && number && Number(number[1]) < options.length) index = Number(number[1]);
  if (index < 0) return noMatch(wanted, labels, index);
  const option = options[index];
  if (option.disabled || /** @type {El | null} */ (option.parentElement)?.disabled) {
    return fail(`disabled: the option ${stringify(labels[index])} cannot be chosen`);
  }
  startWatch();
  faceOf(el).scrollIntoView({ block: "nearest", behavior: "instant" });
  el.focus({ preventScroll: true });
  const changes = !option.selected;
  if (el.multiple) option.selected = true;
  else el.selectedIndex = index;
  if (changes) tell(el, "input", "change");
  return stringify({ native: true, chosen: labels[index], held: option.selected });
};

/** Options of the lists that a combobox names, and of an element that is itself a list. @param {El} el */
const optionsOfList = (el) => {
  const found = [];
  for (const attribute of ["aria-controls", "aria-owns"]) {
    for (const name of (el.getAttribute(attribute) ?? "").split(SPACES)) {
      const list = name ? el.getRootNode().getElementById?.(name) ?? document.getElementById(name) : null;
      if (list) found.push(...list.querySelectorAll(OPTIONS));
    }
  }
  if (el.matches(OWN_LISTS)) found.push(...el.querySelectorAll(OWN_OPTIONS));
  return found;
};

/** @returns {El[]} */
const allOptions = () => {
  const found = [];
  for (const ref of knownRoots) found.push(...(ref.deref()?.querySelectorAll("[role=option]") ?? []));
  return found;
};

// The option of an opened custom list: among those its combobox names, those that appeared, or all that are visible.
/** @param {string | null} id @param {string} wanted @param {string[]} fresh */
const findOption = (id, wanted, fresh) => {
  const el = elementOf(id);
  let pool = el ? optionsOfList(el) : [];
  if (pool.length === 0) pool = fresh.map(elementOf).filter((option) => option !== null);
  if (pool.length === 0) pool = allOptions();
  pool = pool.filter(visible);
  if (pool.length === 0) return stringify({ none: true });
  const labels = pool.map((option) => nameOf(option, "option"));
  const index = matchOf(clean(wanted), labels, pool.map((option) => option.dataset.value ?? ""));
  if (index < 0) return noMatch(wanted, labels, index);
  return stringify({ id: idOf(pool[index]), label: labels[index] });
};
