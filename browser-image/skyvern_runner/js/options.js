// Choosing an option: of a native select, and of a list that the page draws.

const OPTIONS = "[role=option],[role=menuitem],[role=menuitemradio],[role=treeitem],li,option";
const LISTED = "[role=option],[role=listbox],[role=menu],label,select";
const FIELDS = "input:not([type=hidden]),select,textarea,[role=combobox],[role=listbox],[contenteditable=true]";
const OWN_LISTS = "[role=listbox],[role=menu],[role=radiogroup],[role=tablist]";
const OWN_OPTIONS = "[role=option],[role=menuitem],[role=radio],[role=tab],li";
const CHOSEN_DEPTH = 3; // ancestors of a control among which a chosen option may be shown

// The options of a native select, by position. Which one a text means is decided by the caller.
/** @param {string} id */
const nativeOptions = (id) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  if (disabledOf(el)) return fail(`disabled: ${labelFor(el)} cannot be used now`);
  const inDisabledGroup = (/** @type {Node} */ option) => Boolean(outwards(option)?.disabled);
  const group = (/** @type {El} */ option) => clean(option.closest("optgroup")?.getAttribute("label") ?? "");
  return stringify({ multiple: el.multiple === true, options: Array.from(el.options ?? [], (option) => [
    clean(option.label), option.value, option.disabled || inDisabledGroup(option),
    group(/** @type {El} */ (/** @type {HTMLElement} */ (option))),
  ]) });
};

// A native select is handled in the page: asking option by option through WebDriver takes seconds for a long list.
/** @param {string} id @param {number} index @param {string} label */
const pickNative = (id, index, label) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  const option = el.options?.[index];
  if (!option || clean(option.label) !== label) return fail(`${labelFor(el)} changed its options meanwhile`);
  startWatch();
  faceOf(el).scrollIntoView({ block: "nearest", behavior: "instant" });
  el.focus({ preventScroll: true });
  const changes = !option.selected;
  if (el.multiple) option.selected = true;
  else el.selectedIndex = index;
  if (changes) tell(el, "input", "change");
  return stringify({});
};

/** Choose exactly these options. @param {string} id @param {[number, string][]} wanted positions and labels */
const pickSeveral = (id, wanted) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  const all = Array.from(el.options ?? []);
  if (wanted.some(([index, label]) => clean(all[index]?.label ?? "") !== label)) {
    return fail(`${labelFor(el)} changed its options meanwhile`);
  }
  startWatch();
  faceOf(el).scrollIntoView({ block: "nearest", behavior: "instant" });
  el.focus({ preventScroll: true });
  const chosen = new Set(wanted.map(([index]) => index));
  let changes = false;
  all.forEach((option, index) => {
    changes ||= option.selected !== chosen.has(index);
    option.selected = chosen.has(index);
  });
  if (changes) tell(el, "input", "change");
  return stringify({});
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

/** Options that were visible before the list was opened. @type {Set<El>} */
let optionsBefore = new Set();

/** @returns {El[]} */
const visibleOptions = () => {
  const found = [];
  for (const ref of knownRoots) found.push(...(ref.deref()?.querySelectorAll("[role=option]") ?? []));
  return found.filter(visible);
};

// Whether an option is in a list with a name of its own, or in that of another combobox.
/** @param {El} option */
const isClaimed = (option) => {
  for (let list = outwards(option); list; list = outwards(list)) {
    if (list.matches(OWN_LISTS) && list.matches("[aria-label],[aria-labelledby]")) return true;
    const name = list.id && CSS.escape(list.id);
    if (name && list.getRootNode().querySelector(`[aria-controls~="${name}"],[aria-owns~="${name}"]`)) return true;
  }
  return false;
};

/** Name of the group that an option is in, in its list. @param {El} option */
const groupOf = (option) => {
  const group = option.parentElement?.closest("[role=group],[role=listbox],[role=menu]");
  return group?.getAttribute("role") === "group" ? nameOf(group, "group") : "";
};

// The options of a custom list: those that its combobox names, those that appeared, or visible ones that are no other
// list's.
/** @param {string} id @param {string[] | null} fresh ids of what appeared; null before the list is opened */
const customOptions = (id, fresh) => {
  const el = elementOf(id);
  let pool = (el ? optionsOfList(el) : []).filter(visible);
  const shown = pool.length ? [] : visibleOptions();
  if (pool.length === 0 && fresh) {
    pool = fresh.map(elementOf).filter((option) => option !== null).filter(visible);
    if (pool.length === 0) pool = shown.filter((option) => !optionsBefore.has(option));
  }
  if (pool.length === 0) pool = shown.filter((option) => !isClaimed(option));
  if (!fresh) optionsBefore = new Set(shown);
  return stringify({ options: pool.map((option) => [
    nameOf(option, "option"), option.dataset.value ?? "", disabledOf(option), groupOf(option), idOf(option),
    roleOf(option, option.localName),
  ]) });
};

// Where a control shows what was chosen: its own text, and that around it up to the next field, without the lists.
/** @param {string} id @param {string | null} option the one that was clicked */
const shownChoice = (id, option) => {
  const el = elementOf(id);
  const chosen = elementOf(option);
  const selected = chosen !== null && visible(chosen) && checkedOf(chosen) === "true";
  if (!el) return stringify({ text: "", selected });
  const fields = (/** @type {El} */ place) => place.querySelectorAll(FIELDS).length + Number(place.matches(FIELDS));
  let around = el;
  for (let up = 0; up < CHOSEN_DEPTH; up += 1) {
    const outer = outwards(around);
    if (!outer || outer === document.body || fields(outer) > Math.max(fields(around), 1)) break;
    around = outer;
  }
  /** @type {string[]} */
  const parts = [];
  /** @param {Node} node */
  const collect = (node) => {
    for (const child of childrenOf(node)) {
      if (isText(child)) parts.push(child.data);
      else if (isElement(child) && isShown(child) && !child.matches(LISTED) && !SKIPPED.has(child.localName)) {
        collect(child);
      }
    }
    parts.push(" ");
  };
  collect(around);
  return stringify({ text: clean(parts.join("")), selected });
};
