
"use strict";
(() => {
  const form = document.getElementById("filters");
  const byId = (id) => document.getElementById(id);

  // A link to a practice or a finding opens what it leads to.
  const reveal = () => {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();
  if (!form) return;

  const groups = [...document.querySelectorAll(".g")].map((g) => ({
    element: g,
    check: g.dataset.check,
    areas: g.dataset.area.split(" "),
    head: g.querySelector("h3").textContent.toLowerCase(),
    findings: [...g.querySelectorAll(".f")].map((f) => ({ element: f, word: f.dataset.word, file: f.dataset.file, text: null })),
  }));
  const total = groups.reduce((n, g) => n + g.findings.length, 0);
  const textOf = (f) => (f.text ??= f.element.textContent.toLowerCase());

  const apply = () => {
    const data = new FormData(form);
    const words = new Set(data.getAll("word"));
    const check = data.get("check"), area = data.get("area"), file = data.get("file");
    const terms = data.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const g of groups) {
      const here = (!check || g.check === check) && (!area || g.areas.includes(area));
      let visible = 0;
      for (const f of g.findings) {
        const ok = here && words.has(f.word) && (!file || f.file === file) &&
          terms.every((t) => g.head.includes(t) || textOf(f).includes(t));
        f.element.hidden = !ok;
        if (ok) visible++;
      }
      g.element.hidden = visible === 0;
      shown += visible;
    }
    byId("none").hidden = shown > 0;
    byId("shown").textContent = shown === total ? `${total.toLocaleString("en")} shown` : `${shown.toLocaleString("en")} of ${total.toLocaleString("en")} shown`;
  };

  const toggleAll = (open) => {
    for (const f of document.querySelectorAll(".g:not([hidden]) .f:not([hidden])")) f.open = open;
  };
  let timer;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, 60); });
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (e) => e.preventDefault());
  byId("open").addEventListener("click", () => toggleAll(true));
  byId("close").addEventListener("click", () => toggleAll(false));
  form.hidden = false;
  apply();
})();
