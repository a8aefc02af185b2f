(() => {
  "use strict";
  const form = document.getElementById("filters");
  const save = document.getElementById("save");
  const cards = [...document.querySelectorAll(".card")];
  const place = `universe-gan review ${document.body.dataset.name}`;

  // What was decided here and not yet taken back by the tool: sha256 → [keep | drop, date].
  let decided = {};
  try { decided = JSON.parse(localStorage.getItem(place)) ?? {}; } catch { /* a private window: kept until it closes */ }
  const remember = () => { try { localStorage.setItem(place, JSON.stringify(decided)); } catch { /* as above */ } };

  const open = (card) => !decided[card.dataset.sha256] && !card.dataset.taken;
  const shown = () => cards.filter((card) => !card.hidden);
  const paint = (card) => {
    const decision = decided[card.dataset.sha256]?.[0] ?? card.dataset.taken ?? "";
    card.dataset.decision = decision;
    card.querySelector(".stamp").textContent = decision;
  };
  const tally = () => {
    const here = cards.filter((card) => decided[card.dataset.sha256]).length;
    document.getElementById("count").textContent = `${cards.filter(open).length} undecided, ${here} to save`;
    save.disabled = here === 0;
  };
  const apply = (keep = null) => {
    const topic = form.elements.topic.value;
    for (const card of cards) {
      const fits = (!topic || card.dataset.topics.split(" ").includes(topic)) && (!form.elements.open.checked || open(card));
      card.hidden = !fits && card !== keep;
    }
    document.getElementById("nothing").hidden = shown().length > 0;
    tally();
  };
  const go = (card) => { card?.focus(); card?.scrollIntoView({ block: "nearest" }); };
  const step = (card, by) => {
    const all = shown();
    return all[Math.min(Math.max(all.indexOf(card) + by, 0), all.length - 1)];
  };
  const columns = () => {
    const all = shown();
    const top = all[0]?.offsetTop;
    const next = all.findIndex((card) => card.offsetTop !== top);
    return next < 0 ? all.length : next;
  };
  const decide = (card, decision) => {
    if (decision) decided[card.dataset.sha256] = [decision, new Date().toISOString().slice(0, 10)];
    else delete decided[card.dataset.sha256];
    remember();
    paint(card);
    const next = decision ? step(card, 1) : card;
    tally();
    go(next);
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input, button")) return;
    const card = document.activeElement.closest(".card");
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
    const does = { k: "keep", d: "drop", u: null };
    if (event.key in moves) go(card ? step(card, moves[event.key]) : shown()[0]);
    else if (card && event.key in does) decide(card, does[event.key]);
    else return;
    event.preventDefault();
  });
  for (const card of cards) {
    if (decided[card.dataset.sha256]?.[0] === card.dataset.taken) delete decided[card.dataset.sha256];
    card.querySelector(".buttons").hidden = false;
    card.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) decide(card, button.dataset.do);
      else if (!event.target.closest("a")) go(card);
    });
    paint(card);
  }
  save.addEventListener("click", () => {
    const known = new Set(cards.map((card) => card.dataset.sha256));
    const decisions = Object.entries(decided)
      .filter(([sha256]) => known.has(sha256))
      .map(([sha256, [decision, date]]) => ({ sha256, decision, date }));
    const text = JSON.stringify({ format: document.body.dataset.format, decisions }, null, 1) + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `${document.body.dataset.name}.review.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  form.addEventListener("input", () => apply());
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  document.getElementById("keys").hidden = false;
  apply();
})();
