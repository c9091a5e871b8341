// Uploads without a shared disk: the file's bytes arrive in pieces and become a File of the page.

/** @type {Uint8Array<ArrayBuffer>[]} */
let pieces = [];

/** @param {string} text in base 64 */
const filePiece = (text) => {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  pieces.push(bytes);
  return stringify({ pieces: pieces.length });
};

/** @param {El | null | undefined} el */
const isFileInput = (el) => el?.localName === "input" && el.type === "file";

// The file input that an element stands for: itself, its label's, one inside it, or the only one near it.
/** @type {(el: El) => El | null} */
const fileInputOf = (el) => {
  if (isFileInput(el)) return el;
  const control = el.closest("label")?.control;
  if (control && isFileInput(control)) return control;
  let node = /** @type {El | undefined} */ (el);
  for (let up = 0; node && up < 5; node = outwards(node), up += 1) {
    const inside = shadowOf(node)?.querySelectorAll("input[type=file]") ?? [];
    const inputs = [...node.querySelectorAll("input[type=file]"), ...inside];
    if (inputs.length === 1) return inputs[0];
    if (inputs.length > 1) return null;
  }
  return null;
};

// Answers whether the input is known. If not, the caller clicks the element, and the page names the input by asking for
// a file.
/** @param {string} id */
const fileTarget = (id) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  pieces = [];
  const input = fileInputOf(el);
  chooser = { input };
  if (input && disabledOf(input)) return fail(`disabled: ${labelFor(el)} cannot be used now`);
  return stringify({ known: input !== null, several: input?.multiple ?? true });
};

/** @param {string} accept @param {string} name @param {string} type */
const accepted = (accept, name, type) => !accept.trim() || accept.split(",").some((rule) => {
  const wanted = rule.trim().toLowerCase();
  if (wanted === "*/*" || wanted === "*") return true;
  if (wanted.startsWith(".")) return name.toLowerCase().endsWith(wanted);
  return wanted.endsWith("/*") ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
});

/** @param {string} id @param {string} name @param {string} type */
const filePlace = (id, name, type) => {
  const el = elementOf(id);
  const input = chooser?.input ?? null;
  chooser = null;
  const file = new File(pieces, name, { type });
  pieces = [];
  const transfer = new DataTransfer();
  if (!watch) startWatch();
  if (!input) return el ? dropOn(el, transfer, file) : fail(GONE);
  const accept = input.accept ?? "";
  if (!accepted(accept, name, type)) return fail(`the field accepts ${accept}, not ${name} (${type})`);
  if (input.multiple) for (const old of input.files ?? []) transfer.items.add(old);
  transfer.items.add(file);
  input.files = transfer.files;
  const held = Array.from(input.files, (one) => one.name);
  tell(input, "input", "change");
  return stringify({ held, size: file.size });
};

// A drop zone without an input.
/** @param {El} el @param {DataTransfer} transfer @param {File} file */
const dropOn = (el, transfer, file) => {
  transfer.items.add(file);
  let taken = false;
  for (const type of ["dragenter", "dragover", "drop"]) {
    const event = new DragEvent(type, { bubbles: true, cancelable: true, composed: true, dataTransfer: transfer });
    taken = !el.dispatchEvent(event);
  }
  return taken ? stringify({ held: [file.name], size: file.size }) : fail(`${labelFor(el)} takes no file`);
};
