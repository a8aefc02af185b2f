(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const cards = [...document.querySelectorAll(".card")];
  const form = $("filters");
  const large = $("large");
  const words = { accept: "accepted", reject: "rejected" };
  let open = null;      // the card in the large view

  const trouble = (text) => { $("trouble").textContent = text ?? ""; $("trouble").hidden = !text; };
  const shown = () => cards.filter((card) => !card.hidden);
  const paint = (card) => { card.querySelector(".stamp").textContent = words[card.dataset.decision] ?? ""; };
  const tally = () => {
    const count = (decision) => cards.filter((card) => card.dataset.decision === decision).length;
    $("count").textContent = `${count("accept")} accepted, ${count("reject")} rejected, ${count("")} undecided`;
    $("nothing").hidden = shown().length > 0;
  };
  // What was decided just now stays in view until the filter is touched: nothing jumps from under the hand.
  const filter = () => {
    const wanted = form.elements.show.value;
    for (const card of cards) card.hidden = wanted !== "" && (card.dataset.decision || "undecided") !== wanted;
    tally();
  };
  const go = (card) => {
    if (!card) return;
    for (const one of cards) one.tabIndex = one === card ? 0 : -1;
    card.focus();
    card.scrollIntoView({ block: "nearest" });
  };
  const step = (card, by) => {
    const all = shown();
    return all[Math.min(Math.max(all.indexOf(card) + by, 0), all.length - 1)];
  };
  const columns = () => {
    const all = shown();
    const next = all.findIndex((card) => card.offsetTop !== all[0].offsetTop);
    return next < 0 ? all.length : next;
  };

  const look = (card) => {
    open = card;
    $("large-picture").src = `picture/${card.dataset.number}`;
    $("large-name").textContent = `${card.querySelector(".line").textContent.trim()} ${words[card.dataset.decision] ? "· " + words[card.dataset.decision] : ""}`;
    $("beside").hidden = true;
    const nearest = $("large-nearest");
    nearest.onload = () => { $("beside").hidden = false; };
    nearest.onerror = () => { $("beside").hidden = true; };
    nearest.src = `nearest/${card.dataset.number}`;
    if (!large.open) large.showModal();
  };
  const close = () => { large.close(); };
  large.addEventListener("close", () => { const card = open; open = null; go(card); });

  const decide = async (card, decision) => {
    const before = card.dataset.decision;
    card.dataset.decision = decision === "undecided" ? "" : decision;
    paint(card);
    tally();
    const next = decision === "undecided" ? card : step(card, 1);
    if (open) look(next); else go(next);
    try {
      const answer = await fetch("decide", {
        method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ number: Number(card.dataset.number), decision }),
      });
      if (!answer.ok) throw new Error(answer.status === 507 ? "The disk is full: that was not saved." : `That was not taken (${answer.status}).`);
      trouble(null);
    } catch (error) {
      card.dataset.decision = before;
      paint(card);
      tally();
      trouble(error instanceof TypeError ? "The page's server has ended in the shell; run the same command to go on." : error.message);
    }
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const card = open ?? document.activeElement.closest(".card");
    const moves = open ? { ArrowRight: 1, ArrowLeft: -1 } : { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
    const does = { a: "accept", r: "reject", u: "undecided" };
    if (key in moves) {
      const next = card ? step(card, moves[key]) : shown()[0];
      if (open) look(next); else go(next);
    } else if (card && key in does) decide(card, does[key]);
    else if (key === "Enter" && card && !event.target.closest("button")) { if (open) close(); else look(card); }
    else return;
    event.preventDefault();
  });
  for (const card of cards) {
    card.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) decide(card, button.dataset.do);
      else if (event.target.closest(".frame")) look(card);
      else go(card);
    });
    paint(card);
  }
  for (const button of large.querySelectorAll("[data-do]")) button.addEventListener("click", () => decide(open, button.dataset.do));
  $("close").addEventListener("click", close);
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
