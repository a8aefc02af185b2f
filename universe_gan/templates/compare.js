"use strict";
(() => {
  const lens = document.getElementById("lens");
  const sheet = document.querySelector(".sheet");
  const rows = [...sheet.rows];
  const count = Math.max(...rows.map((row) => row.cells.length - 1));
  let chosen = -1;

  const choose = (at) => {
    chosen = (at + count) % count;
    for (const cell of sheet.querySelectorAll("td")) cell.classList.toggle("chosen", Number(cell.dataset.at) === chosen);
    lens.replaceChildren();
    for (const row of rows) {
      const image = row.cells[chosen + 1] && row.cells[chosen + 1].querySelector("img");
      if (!image) continue;
      const figure = document.createElement("figure");
      const large = document.createElement("img");
      const words = document.createElement("figcaption");
      large.src = image.src;
      large.alt = image.alt;
      words.textContent = image.alt;
      figure.append(large, words);
      lens.append(figure);
    }
    lens.hidden = false;
  };

  document.querySelector(".walk").hidden = false;
  sheet.addEventListener("click", (event) => {
    const cell = event.target.closest("td[data-at]");
    if (cell) choose(Number(cell.dataset.at));
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest(".figures, summary")) return;
    if (event.key === "ArrowRight") choose(chosen + 1);
    else if (event.key === "ArrowLeft") choose(chosen < 0 ? count - 1 : chosen - 1);
    else return;
    event.preventDefault();
    const cell = rows[0].cells[chosen + 1];
    if (cell) cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
})();
