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
    alone: element.closest(".family")?.dataset.n === "1",
    state: element.dataset.state,
    cls: element.dataset.class,
    reason: element.dataset.reason,
    kind: element.dataset.kind,
    split: element.dataset.split,
    marks: element.dataset.marks.split(" "),
    words: null,
  }));
  // A section draws so many images at once, and more at the push of a button.
  const PAGE = 160;
  const reach = new Map();
  const further = new Map(
    [...new Set(images.map((image) => image.section))].map((section) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "further";
      button.textContent = "show more";
      button.hidden = true;
      section.append(button);
      return [section, button];
    }),
  );
  const nested = new Map(find("section:has(> section)").map((outer) => [outer, find("section", outer)]));
  // Where the count of a choice is written: beside a chip, or behind the words of an option.
  const labels = [
    ...find("[name=class], [name=show]", form).map((field) => ({ name: field.name, field, place: field.parentElement.querySelector("small"), text: "" })),
    ...find("select option", form).map((field) => ({ name: field.parentElement.name, field, place: field, text: field.textContent })),
  ];
  const words = (image) =>
    (image.words ??= fold(find("[data-words]", image.element).map((part) => part.textContent).join(" ") + " " + image.element.dataset.uid));

  const wanted = () => {
    const given = new FormData(form);
    return {
      show: given.get("show"),
      classes: new Set(given.getAll("class")),
      reason: given.get("reason"),
      kind: given.get("kind"),
      split: given.get("split"),
      mark: given.get("mark"),
      terms: fold(given.get("q")).split(/\s+/).filter(Boolean),
    };
  };

  // What each filter asks, one by one, so that the counts on a filter can heed all the others.
  const tests = (want) => ({
    show: (image) => want.show === "all" || want.show === image.state,
    class: (image) => want.classes.size === 0 || want.classes.has(image.cls),
    reason: (image) => !want.reason || image.reason === want.reason,
    kind: (image) => !want.kind || image.kind === want.kind,
    split: (image) => !want.split || image.split === want.split,
    mark: (image) => !want.mark || (want.mark === "any" ? image.marks[0] !== "" : image.marks.includes(want.mark)),
    words: (image) => want.terms.every((term) => words(image).includes(term)),
  });
  const values = {
    show: (image) => ["all", image.state],
    class: (image) => [image.cls],
    reason: (image) => ["", image.reason],
    kind: (image) => ["", image.kind],
    split: (image) => ["", image.split],
    mark: (image) => (image.marks[0] ? ["", "any", ...image.marks] : [""]),
  };
  const counted = () => Object.fromEntries(Object.keys(values).map((name) => [name, new Map()]));
  const note = (counts, name, image) => {
    for (const value of new Set(values[name](image))) counts[name].set(value, (counts[name].get(value) ?? 0) + 1);
  };

  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const label = (counts) => {
    for (const { name, field, place, text } of labels) {
      const count = (counts[name].get(field.value) ?? 0).toLocaleString("en");
      write(place, text ? `${text} (${count})` : count);
    }
  };

  const apply = () => {
    const want = wanted();
    const asked = Object.entries(tests(want));
    const counts = counted();
    const families = new Map();
    const sections = new Map();
    let shown = 0;
    for (const image of images) {
      let missed = null;
      let misses = 0;
      for (const [name, test] of asked) {
        if (test(image)) continue;
        missed = name;
        if (++misses > 1) break;
      }
      const fit = misses === 0;
      if (fit) for (const name in values) note(counts, name, image);
      else if (misses === 1 && missed in values) note(counts, missed, image);
      const size = (sections.get(image.section) ?? 0) + fit;
      sections.set(image.section, size);
      shown += fit;
      const drawn = fit && size <= (reach.get(image.section) ?? PAGE);
      if (!image.alone && image.element.hidden === drawn) image.element.hidden = !drawn;
      if (image.family) families.set(image.family, (families.get(image.family) ?? 0) + drawn);
    }
    const chunks = new Map();
    for (const [family, size] of families) chunks.set(family.parentElement, (chunks.get(family.parentElement) ?? 0) + size);
    for (const [chunk, size] of chunks) if (chunk.hidden !== (size === 0)) chunk.hidden = size === 0;
    for (const [family, size] of families) {
      if (!chunks.get(family.parentElement)) continue;
      if (family.hidden !== (size === 0)) family.hidden = size === 0;
      const across = String(Math.min(size, 8));
      if (size && family.dataset.n !== across) family.dataset.n = across;
    }
    for (const [section, size] of sections) if (section.hidden !== (size === 0)) section.hidden = size === 0;
    for (const [section, button] of further) button.hidden = (sections.get(section) ?? 0) <= (reach.get(section) ?? PAGE);
    for (const [outer, inner] of nested) outer.hidden = inner.every((section) => section.hidden);
    label(counts);
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
    const target = /^#n\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    for (const part of target ? [target, target.closest(".family"), target.closest(".chunk")] : []) if (part) part.hidden = false;
    if (target) target.scrollIntoView({ block: "center" });
  };

  let waiting = 0;
  const changed = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      reach.clear();
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
  const extend = (section, by) => {
    reach.set(section, (reach.get(section) ?? PAGE) + by);
    apply();
  };
  for (const [section, button] of further) button.addEventListener("click", () => extend(section, 2 * PAGE));
  addEventListener("beforeprint", () => {
    for (const section of further.keys()) reach.set(section, Infinity);
    apply();
  });
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
