"use strict";

// Filters: an item shows when it holds every chosen value and every word.
for (const form of document.querySelectorAll(".filters")) {
  const items = [...document.querySelectorAll(form.dataset.items)].map((item) => ({ item, text: item.textContent.toLowerCase() }));
  const apply = () => {
    const chosen = [...form.querySelectorAll("select")].filter((select) => select.value);
    const words = form.elements.words.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const { item, text } of items) {
      const fits = chosen.every((select) => item.dataset[select.name].split("|").includes(select.value));
      item.hidden = !(fits && words.every((word) => text.includes(word)));
      shown += item.hidden ? 0 : 1;
    }
    form.querySelector(".count").textContent = `${shown} ${form.dataset.noun}${shown === 1 ? "" : "s"}`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}

// Cards: shown while a row is pointed at or focused, closed by Escape.
let open = null;
const close = () => {
  if (open) open.hidden = true;
  open = null;
};
for (const row of document.querySelectorAll("[data-card]")) {
  const card = document.getElementById(row.dataset.card);
  const place = () => {
    const at = row.getBoundingClientRect();
    const size = card.getBoundingClientRect();
    const below = at.bottom + size.height + 8 < window.innerHeight;
    card.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - size.height - 4)}px`;
    card.style.left = `${Math.max(8, Math.min(at.left + 24, window.innerWidth - size.width - 16))}px`;
  };
  const show = () => {
    close();
    open = card;
    card.hidden = false;
    place();
  };
  window.addEventListener("scroll", () => open === card && place(), { passive: true });
  row.addEventListener("mouseenter", show);
  row.addEventListener("focusin", show);
  row.addEventListener("mouseleave", close);
  row.addEventListener("focusout", close);
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
});

// A link to a trial opens its figures; printing opens all.
const reveal = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") {
    target.hidden = false;
    target.open = true;
    target.querySelector("summary").focus({ preventScroll: true });
    target.scrollIntoView();
  }
};
window.addEventListener("hashchange", reveal);
window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((item) => (item.open = true)));
reveal();
