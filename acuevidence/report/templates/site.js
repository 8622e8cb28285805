"use strict";

// Filters: an item shows when it holds every chosen value and every word. What is chosen stands in the address, so that it can be
// sent to others and is there again after a step back.
const stem = (word) => (word.length < 5 ? word : word.replace(/(iness|ness|ing|ies|ty|ed|es|ly|s|e)$/, ""));
const said = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
for (const form of document.querySelectorAll(".filters")) {
  const items = [...document.querySelectorAll(form.dataset.items)].map((item) => ({ item, text: `${item.textContent} ${item.dataset.words ?? ""}`.toLowerCase() }));
  const fields = [...form.querySelectorAll("select, input")];
  const none = document.querySelector(".none");
  const hits = document.querySelector(".hits");
  const apply = () => {
    const chosen = [...form.querySelectorAll("select")].filter((select) => select.value);
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean).map(stem);
    let shown = 0;
    for (const { item, text } of items) {
      const fits = chosen.every((select) => item.dataset[select.name].split("|").includes(select.value));
      item.hidden = !(fits && words.every((word) => text.includes(word)));
      shown += item.hidden ? 0 : 1;
    }
    form.querySelector(".count").textContent = `${shown} ${form.dataset.noun}${shown === 1 ? "" : "s"}`;
    none.hidden = shown > 0;
    if (hits) {
      const links = [...hits.querySelectorAll("a")];
      for (const link of links) link.hidden = !(words.length && words.every((word) => link.dataset.words.includes(word)));
      hits.hidden = links.every((link) => link.hidden);
    }
  };
  const write = () => {
    const given = new URLSearchParams(fields.filter((field) => field.value).map((field) => [field.name, field.value]));
    history.replaceState(null, "", given.size ? `#${given}` : location.pathname + location.search);
  };
  const read = () => {
    const given = said();
    if (location.hash.includes("=")) for (const field of fields) field.value = given.get(field.name) ?? "";
    apply();
  };
  form.addEventListener("input", () => { apply(); write(); });
  form.addEventListener("reset", () => setTimeout(() => { apply(); write(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("pageshow", read);
  window.addEventListener("hashchange", read);
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

// A link to a claim or a trial shows it, whatever the filter; printing opens the numbers.
const reveal = () => {
  const target = location.hash && !location.hash.includes("=") && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.hidden) {
    target.hidden = false;
    target.scrollIntoView();
  }
};
window.addEventListener("hashchange", reveal);
window.addEventListener("pageshow", reveal);
window.addEventListener("beforeprint", () => document.querySelectorAll("details.numbers").forEach((item) => (item.open = true)));
