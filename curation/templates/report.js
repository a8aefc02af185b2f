(() => {
  "use strict";
  const find = (selector, root = document) => [...root.querySelectorAll(selector)];
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");

  // Letters without accents and case, so that "medusa" finds "Méduse"'s neighbours and the curator need not care.
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const images = find("[data-state]").map((element) => ({
    element,
    family: element.closest(".family"),
    section: element.closest("section"),
    state: element.dataset.state,
    cls: element.dataset.class,
    reason: element.dataset.reason,
    kind: element.dataset.kind,
    marks: element.dataset.marks.split(" "),
    words: null,
  }));
  const words = (image) =>
    (image.words ??= fold(find("[data-words]", image.element).map((part) => part.textContent).join(" ") + " " + image.element.dataset.uid));

  const wanted = () => {
    const given = new FormData(form);
    return {
      show: given.get("show"),
      classes: new Set(given.getAll("class")),
      reason: given.get("reason"),
      kind: given.get("kind"),
      mark: given.get("mark"),
      terms: fold(given.get("q")).split(/\s+/).filter(Boolean),
    };
  };

  const fits = (image, want) =>
    (want.show === "all" || (want.show === "kept") === (image.state === "kept")) &&
    (want.classes.size === 0 || want.classes.has(image.cls)) &&
    (!want.reason || image.reason === want.reason) &&
    (!want.kind || image.kind === want.kind) &&
    (!want.mark || (want.mark === "any" ? image.marks[0] !== "" : image.marks.includes(want.mark))) &&
    want.terms.every((term) => words(image).includes(term));

  const apply = () => {
    const want = wanted();
    const families = new Map();
    const sections = new Map();
    let shown = 0;
    for (const image of images) {
      const fit = fits(image, want);
      if (image.element.hidden === fit) image.element.hidden = !fit;
      if (image.family) families.set(image.family, (families.get(image.family) ?? 0) + fit);
      sections.set(image.section, (sections.get(image.section) ?? 0) + fit);
      shown += fit;
    }
    for (const [family, size] of families) {
      family.hidden = size === 0;
      if (size) family.dataset.n = Math.min(size, 8);
    }
    for (const [section, size] of sections) section.hidden = size === 0;
    count.querySelector("b").textContent = shown.toLocaleString("en");
    nothing.hidden = shown > 0;
  };

  // The address after # holds the filters, so that a view can be kept and sent.
  const remember = () => {
    const given = [...new FormData(form)].filter(([name, value]) => value && !(name === "show" && value === "all"));
    history.replaceState(null, "", "#" + new URLSearchParams(given));
  };
  const recall = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    form.reset();
    for (const field of form.elements) {
      if (!given.has(field.name)) continue;
      if (field.type === "checkbox" || field.type === "radio") field.checked = given.getAll(field.name).includes(field.value);
      else field.value = given.get(field.name);
    }
    if (!form.querySelector("[name=show]:checked")) form.querySelector("[name=show]").checked = true;
    for (const list of find("select", form)) if (list.selectedIndex < 0) list.selectedIndex = 0;
    apply();
  };

  let waiting = 0;
  const changed = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      apply();
      remember();
    });
  };
  const clear = () => {
    form.reset();
    changed();
  };

  form.hidden = false;
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of find("[data-clear]")) button.addEventListener("click", clear);
  addEventListener("hashchange", recall);
  addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      form.elements.q.focus();
    } else if (event.key === "Escape" && event.target === form.elements.q) {
      form.elements.q.value = "";
      changed();
    }
  });
  recall();
})();
