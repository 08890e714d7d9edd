"use strict";
(() => {
  const cards = [...document.querySelectorAll(".card")];
  if (cards.length < 2) return;
  const [controls, find, only, order, count, list] =
    ["controls", "find", "only", "order", "count", "cards"].map((id) => document.getElementById(id));
  for (const label of new Set(cards.map((card) => card.dataset.explained))) only.add(new Option(label, label));
  // a figure that is not known sorts last
  const rank = (card) => (card.dataset[order.value] === "" ? Infinity : Number(card.dataset[order.value]));
  const compare = (a, b) =>
    order.value === "image" ? a.dataset.image.localeCompare(b.dataset.image, undefined, { numeric: true }) : rank(a) - rank(b) || 0;
  const arrange = () => {
    const words = find.value.toLowerCase().trim();
    let shown = 0;
    for (const card of cards) {
      const named = card.dataset.words.toLowerCase().includes(words);
      card.hidden = !named || (only.value !== "" && card.dataset.explained !== only.value);
      shown += !card.hidden;
    }
    count.textContent = shown === cards.length ? "" : `${shown} of ${cards.length} on this page`;
    list.append(...[...cards].sort(compare));
  };
  controls.addEventListener("input", arrange);
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.hidden = false;
})();
