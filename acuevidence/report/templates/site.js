"use strict";

// Filters of the claims: a claim shows when it holds every chosen value.
const form = document.querySelector(".filters");
if (form) {
  const claims = [...document.querySelectorAll(".claim")];
  const apply = () => {
    const chosen = [...form.querySelectorAll("select")].filter((select) => select.value);
    for (const claim of claims) {
      claim.hidden = !chosen.every((select) => claim.dataset[select.name].split("|").includes(select.value));
    }
    const shown = claims.filter((claim) => !claim.hidden).length;
    document.getElementById("count").textContent = `${shown} claim${shown === 1 ? "" : "s"}`;
  };
  form.addEventListener("change", apply);
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
    target.open = true;
    target.querySelector("summary").focus({ preventScroll: true });
    target.scrollIntoView();
  }
};
window.addEventListener("hashchange", reveal);
window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((item) => (item.open = true)));
reveal();
