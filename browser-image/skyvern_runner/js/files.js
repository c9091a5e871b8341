// Uploads without a shared disk: the file's bytes arrive in pieces and become a File of the page.

let pieces = [];

const filePiece = (text) => {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  pieces.push(bytes);
  return stringify({ pieces: pieces.length });
};

const isFileInput = (el) => el?.localName === "input" && el.type === "file";

// The file input that an element stands for: itself, its label's, one inside it, or the only one near it.
const fileInputOf = (el) => {
  if (isFileInput(el)) return el;
  const label = el.closest("label");
  if (isFileInput(label?.control)) return label.control;
  for (let node = el, up = 0; node && up < 5; node = node.parentElement ?? node.getRootNode().host, up += 1) {
    const inputs = [...node.querySelectorAll("input[type=file]"), ...(shadowOf(node)?.querySelectorAll("input[type=file]") ?? [])];
    if (inputs.length === 1) return inputs[0];
    if (inputs.length > 1) return null;
  }
  return null;
};

// Says whether an input is known; else the caller clicks the element and the page names the input by asking for a file.
const fileTarget = (id) => {
  const el = elementOf(id);
  if (!el) return fail(GONE);
  pieces = [];
  chooser = { input: fileInputOf(el) };
  if (chooser.input && disabledOf(chooser.input)) return fail(`disabled: ${labelFor(el)} cannot be used now`);
  return stringify({ known: chooser.input !== null, accept: chooser.input?.accept ?? "" });
};

const accepted = (accept, name, type) => !accept.trim() || accept.split(",").some((rule) => {
  const wanted = rule.trim().toLowerCase();
  if (wanted.startsWith(".")) return name.toLowerCase().endsWith(wanted);
  return wanted.endsWith("/*") ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
});

const filePlace = (id, name, type) => {
  const el = elementOf(id);
  const input = chooser?.input ?? null;
  chooser = null;
  const file = new File(pieces, name, { type });
  pieces = [];
  if (!input && !el) return fail(GONE);
  if (!watch) startWatch();
  const transfer = new DataTransfer();
  if (!input) return dropOn(el, transfer, file);
  if (!accepted(input.accept, name, type)) return fail(`the field accepts ${input.accept}, not ${name} (${type})`);
  if (input.multiple) for (const old of input.files) transfer.items.add(old);
  transfer.items.add(file);
  input.files = transfer.files;
  const held = Array.from(input.files, (one) => one.name);
  tell(input, "input", "change");
  return stringify({ held, size: file.size });
};

// A drop zone without any input.
const dropOn = (el, transfer, file) => {
  transfer.items.add(file);
  let taken = false;
  for (const type of ["dragenter", "dragover", "drop"]) {
    taken = !el.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, composed: true, dataTransfer: transfer }));
  }
  return taken ? stringify({ held: [file.name], size: file.size }) : fail(`${labelFor(el)} takes no file`);
};
