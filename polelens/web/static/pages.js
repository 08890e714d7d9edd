"use strict";
(() => {
  const id = (name) => document.getElementById(name);

  // A query has no part for what is not asked.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") return;
    const asked = event.detail.formData ?? event.detail.parameters;
    for (const [name, value] of [...asked.entries()]) if (value === "" || (name === "order" && value === "worst")) asked.delete(name);
  });
  // What was chosen before the scripts were there, or what a browser has put back, counts, too.
  const changed = (one) => one.tagName === "SELECT" ? [...one.options].some((o) => o.selected !== o.defaultSelected && o.value !== "") : one.value !== one.defaultValue;
  addEventListener("load", () => {
    const form = document.querySelector("form.filters");
    if (form && [...form.querySelectorAll("input, select")].some(changed)) htmx.trigger(form, "submit");
  });
  // What a form was answered stands beside its button.
  const beside = (event) => (event.detail.elt.closest("form") ?? event.detail.elt.parentElement)?.querySelector("[role=status]");
  const say = (event, words) => { const place = beside(event); if (place) place.textContent = words; };
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb !== "get") say(event, event.detail.elt.matches("[hx-encoding]") ? "being sent, and looked at …" : "");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const bar = event.detail.elt.querySelector?.("progress[max='1']");
    if (bar) bar.hidden = true;
    if (event.detail.successful && event.detail.elt.matches("[hx-encoding]")) say(event, "");
  });
  document.addEventListener("htmx:responseError", (event) => say(event, `refused: ${event.detail.xhr.responseText}`));
  document.addEventListener("htmx:sendError", (event) => say(event, "not done: the server does not answer"));
  document.addEventListener("htmx:xhr:progress", (event) => {
    const bar = event.target.querySelector?.("progress[max='1']");
    if (bar && event.detail.lengthComputable) { bar.hidden = false; bar.value = event.detail.loaded / event.detail.total; }
  });

  const told = document.querySelector("[data-events]");
  if (told) {
    const events = new EventSource(told.dataset.events);
    events.addEventListener("progress", (event) => { document.querySelector("[data-events]").innerHTML = event.data; });
    events.addEventListener("end", () => { events.close(); location.reload(); });
  }

  const evidence = id("evidence");
  if (!evidence) return;
  const [opacity, show, by, zoom, palette, label] = ["opacity", "show", "by", "zoom", "palette", "label"].map(id);
  const superpixels = Number(id("tools").dataset.superpixels);
  const strongest = Number(id("tools").dataset.strongest);
  const STEPS = 100;

  const chosen = () => {
    const value = Number(show.value);
    if (by.value === "number") return value === superpixels ? ["", `all ${superpixels}`] : [String(value), `the ${value === 1 ? "" : `${value} `}strongest of ${superpixels}`];
    if (by.value === "share") return value === STEPS ? ["", `all ${superpixels}`] : [`${value}%`, `the strongest ${value} %`];
    const least = (strongest * value / STEPS).toPrecision(3);
    return value === 0 ? ["", `all ${superpixels}`] : [`>${least}`, `of weight ${least} or more`];
  };
  const draw = () => {
    const query = new URLSearchParams({ size: "800", palette: palette.value, label: label ? label.value : "1" });
    if (chosen()[0]) query.set("show", chosen()[0]);
    evidence.src = `${evidence.dataset.base}?${query}`;
  };
  let waiting;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(draw, 150); };
  const tell = () => { id("show-told").textContent = chosen()[1]; };

  opacity.addEventListener("input", () => {
    evidence.style.opacity = opacity.value / 100;
    id("opacity-told").textContent = `${opacity.value} %`;
  });
  show.addEventListener("input", () => { tell(); soon(); });
  by.addEventListener("change", () => {
    [show.min, show.max] = by.value === "number" ? [1, superpixels] : by.value === "share" ? [1, STEPS] : [0, STEPS];
    show.value = by.value === "threshold" ? 0 : show.max;
    tell(); draw();
  });
  palette.addEventListener("change", draw);
  if (label) label.addEventListener("change", draw);
  zoom.addEventListener("input", () => {
    id("layers").style.width = `${zoom.value * 100}%`;
    id("zoom-told").textContent = `${zoom.value}×`;
  });
  id("tools").addEventListener("submit", (event) => event.preventDefault());

  const go = (name) => { const link = id(name); if (link) link.click(); };
  const press = (name) => { const field = id(name); if (field) field.click(); };
  const enter = (name) => { const field = id(name); if (field) field.focus(); };
  const keys = {
    j: () => go("next"), ArrowRight: () => go("next"), k: () => go("previous"), ArrowLeft: () => go("previous"),
    a: () => press("m-agree"), w: () => press("m-wrong"), u: () => press("m-none"),
    l: () => enter("m-label"), t: () => enter("m-tags"), c: () => enter("m-comment"),
    o: () => { opacity.value = opacity.value === "0" ? 100 : 0; opacity.dispatchEvent(new Event("input")); },
  };
  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.key === "Escape" && at.closest("#mark-form")) { at.blur(); return; }
    const arrow = event.key.startsWith("Arrow"); // moves a slider, a choice, or what is enlarged
    const writes = at.closest("input:not([type=radio], [type=range]), textarea, select");
    const moves = arrow && (at.closest("input") || at.id === "stage");
    if (writes || moves || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
