// Checkboxes made of divs: a click or the space bar toggles, a hidden input carries the value.
for (const box of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".tick"))) {
  const show = () => {
    const on = box.getAttribute("aria-checked") === "true";
    box.querySelector("input")?.remove();
    if (on) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = box.dataset.name ?? "";
      input.value = box.dataset.value ?? "";
      box.append(input);
    }
  };
  const toggle = () => {
    box.setAttribute("aria-checked", box.getAttribute("aria-checked") === "true" ? "false" : "true");
    show();
  };
  box.addEventListener("click", toggle);
  box.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      event.preventDefault();
      toggle();
    }
  });
  show();
}
