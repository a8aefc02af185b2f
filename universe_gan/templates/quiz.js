(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const views = ["start", "ask", "last", "result"];
  const picture = $("picture");
  let now = null;      // what the server said last
  let view = null;
  let begun = false;
  let seen = null;     // when the current picture could be seen; null: not yet
  let busy = false;

  const show = (name) => { view = name; for (const one of views) $(one).hidden = one !== name; };
  const trouble = (words) => { $("trouble").textContent = words ?? ""; $("trouble").hidden = !words; };
  const address = (number) => `picture/${number}`;

  const ask = async (path, body) => {
    const how = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(path, { ...how, cache: "no-store", credentials: "omit" });
    if (answer.status === 409) return ask("state");            // another window was quicker
    if (answer.status === 507) throw new Error("The disk is full: the last answer could not be saved.");
    if (!answer.ok) throw new Error(`The quiz did not take that (${answer.status}).`);
    return answer.json();
  };

  // One request at a time; what goes wrong is said, and nothing moves on.
  const guarded = async (work) => {
    if (busy) return;
    busy = true;
    try { await work(); trouble(null); } catch (error) {
      trouble(error instanceof TypeError ? "The quiz has ended in the shell; run the same command to go on." : error.message);
    }
    busy = false;
  };

  const paint = async () => {
    $("many").textContent = now.asked;
    $("bar").max = now.asked;
    $("bar").value = now.answered;
    $("count").textContent = `${Math.min(now.answered + 1, now.asked)} of ${now.asked}`;
    $("undo").disabled = now.last === null;
    if (now.revealed) return reveal();
    if (now.next === null) return show("last");
    if (!begun && now.answered === 0) { show("start"); $("begin").focus(); return; }
    begun = true;
    seen = null;
    show("ask");
    picture.removeAttribute("src");
    picture.src = address(now.next);
    await picture.decode();
    await new Promise((done) => requestAnimationFrame(done));
    seen = performance.now();
    document.activeElement?.blur();
    if (now.next < now.asked) new Image().src = address(now.next + 1);
  };

  const begin = () => guarded(async () => { begun = true; await paint(); });
  const answer = (word) => guarded(async () => {
    if (view !== "ask" || seen === null) return;
    now = await ask("answer", { number: now.next, answer: word, ms: Math.round(performance.now() - seen) });
    await paint();
  });
  const undo = () => guarded(async () => {
    if (now.last === null) return;
    now = await ask("undo", { number: now.last });
    await paint();
  });
  const finish = () => guarded(async () => { now = await ask("reveal", {}); await paint(); });

  const percent = (share) => `${Math.round(100 * share)} %`;
  const cell = (text, tag = "td") => { const one = document.createElement(tag); one.textContent = text; return one; };
  const bar = (share, real) => {
    const made = (name, values) => {
      const one = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(values)) one.setAttribute(key, value);
      return one;
    };
    const svg = made("svg", { viewBox: "0 0 100 18", preserveAspectRatio: "none", role: "img" });
    svg.setAttribute("aria-label", `${percent(share.low)} to ${percent(share.high)}`);
    svg.append(made("rect", { class: "whole", y: 7, width: 100, height: 4 }));
    svg.append(made("rect", { class: real ? "real" : "span", x: 100 * share.low, y: 4, width: 100 * (share.high - share.low), height: 10 }));
    if (share.value !== null) svg.append(made("rect", { class: "dot", x: 100 * share.value - 0.5, width: 1, height: 18 }));
    return svg;
  };
  const row = (name, share, found) => {
    const line = document.createElement("tr");
    const head = cell(name, "th");
    head.scope = "row";
    const chart = document.createElement("td");
    chart.className = "chart";
    chart.append(bar(share, !found));
    const taken = share.value === null ? "none shown" : `${share.part} of ${share.whole}, ${percent(share.value)}`;
    const number = (value) => (found && value !== null ? value.toFixed(2) : "");
    line.append(head, cell(taken), chart, cell(number(found?.sensitivity)), cell(number(found?.balanced_accuracy)));
    return line;
  };

  const reveal = async () => {
    const found = await ask("result");
    const { value, low, high } = found.all.taken_for_real;
    $("verdict").textContent = value === null ? "No generated picture was shown." : `${percent(value)} of the generated pictures passed for real.`;
    const apart = found.all.difference;
    const words = apart && (apart.low > 0
      ? `You told them apart: real ones were taken for real ${Math.round(100 * apart.value)} points more often (${Math.round(100 * apart.low)} to ${Math.round(100 * apart.high)}).`
      : apart.high < 0
        ? `The generated ones looked more real to you than the real ones, by ${Math.round(-100 * apart.value)} points.`
        : `So few answers do not show that you can tell them apart: the difference is ${Math.round(100 * apart.value)} points, its interval from ${Math.round(100 * apart.low)} to ${Math.round(100 * apart.high)}.`);
    $("words").textContent = value === null ? "" : `The interval is ${percent(low)} to ${percent(high)}. ${words ?? ""}`;
    const lines = found.models.map((one) => row(one.model, one.taken_for_real, one));
    if (lines.length > 1) lines.push(row("all generated", found.all.taken_for_real, found.all));
    $("rows").replaceChildren(row("real", found.reals, null), ...lines);
    $("seen").replaceChildren(...found.answers.map((one) => {
      const item = document.createElement("li");
      const image = document.createElement("img");
      image.src = address(one.number);
      image.loading = "lazy";
      image.alt = "";
      const line = document.createElement("p");
      const truth = document.createElement("b");
      truth.textContent = one.model || "real";
      item.className = one.truth === one.answer ? "right" : "wrong";
      line.append(truth, one.truth === one.answer ? " · you were right" : ` · you said ${one.answer}`);
      item.append(image, line);
      return item;
    }));
    show("result");
  };

  const keys = { ArrowLeft: "real", r: "real", ArrowRight: "generated", f: "generated" };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (view === "ask" && key in keys) answer(keys[key]);
    else if ((view === "ask" || view === "last") && key === "z") undo();
    else if (view === "start" && key === " ") begin();
    else if (view === "last" && key === " ") finish();
    else return;
    event.preventDefault();
  });
  $("begin").addEventListener("click", begin);
  $("reveal").addEventListener("click", finish);
  for (const id of ["undo", "undo-last"]) $(id).addEventListener("click", undo);
  for (const button of document.querySelectorAll("[data-answer]")) button.addEventListener("click", () => answer(button.dataset.answer));
  guarded(async () => { now = await ask("state"); await paint(); });
})();
