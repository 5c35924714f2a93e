// What the desk's pages do while somebody looks at them. Without it they are plain pages and forms.
"use strict";
(() => {
  const token = document.querySelector('meta[name="csrf-token"]');
  const status = document.getElementById("status");
  const summary = document.getElementById("errors");
  if (summary) summary.focus();

  for (const box of document.querySelectorAll("[data-select]")) box.addEventListener("focus", () => box.select());

  // Laid out as blocks on a phone, a table is none any more to some browsers: it says itself what it is.
  const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell", TH: "rowheader" };
  for (const part of document.querySelectorAll(".stack, .stack *")) {
    if (roles[part.tagName]) part.setAttribute("role", part.scope === "col" ? "columnheader" : roles[part.tagName]);
  }

  // "Line 34" leads to the line in the box, not only to the box.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-line]");
    const box = link && document.querySelector(link.getAttribute("href"));
    if (!box) return;
    event.preventDefault();
    const lines = box.value.split("\n");
    const line = Math.min(Number(link.dataset.line), lines.length) - 1;
    const start = lines.slice(0, line).reduce((length, one) => length + one.length + 1, 0);
    box.focus();
    box.setSelectionRange(start, start + lines[line].length);
    box.scrollTop = (box.scrollHeight * line) / lines.length - box.clientHeight / 2;
  });

  for (const form of document.querySelectorAll("form[data-unsaved]")) {
    let typed = form.dataset.unsaved !== "";
    form.addEventListener("input", () => { typed = true; });
    form.addEventListener("submit", () => { typed = false; });
    addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });
  }

  // A double click asks once: its second answer would take the place of the first, which may hold a key that is shown once.
  let pressed = null, at = 0;
  document.addEventListener("submit", (event) => {
    const button = event.submitter || event.target;
    if (button === pressed && event.timeStamp - at < 1000) event.preventDefault();
    else [pressed, at] = [button, event.timeStamp];
  });

  const say = (sentence) => {
    const line = document.createElement("p");
    line.className = "said";
    line.textContent = sentence;
    status.replaceChildren(line);
  };

  // A page that no longer follows must say so: what is new would be missed without a sign.
  let behind = false;
  const fell = (sentence) => { behind = true; say(sentence); };
  document.addEventListener("htmx:sendError", () => fell("No connection: this page is not up to date. Trying again."));
  document.addEventListener("htmx:responseError", () => fell("That did not work: this page may not be up to date. Load it again."));
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (behind && event.detail.xhr.status < 400) { behind = false; status.replaceChildren(); }
  });

  document.addEventListener("htmx:configRequest", (event) => {
    if (token) event.detail.headers["X-CSRFToken"] = token.content;
    const version = event.detail.elt.dataset.version;
    if (version) event.detail.headers["If-None-Match"] = version;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const version = event.detail.xhr.getResponseHeader("ETag");
    if (version && event.detail.successful) event.detail.elt.dataset.version = version;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const news = event.detail.target.querySelector("[data-say]");
    if (news) say(news.dataset.say);
  });

  // htmx's own condition on a trigger would need eval, which our policy forbids.
  const busy = (part) => part.contains(document.activeElement);
  const opened = (part) => part.querySelector("details[open]") !== null;
  for (const part of document.querySelectorAll("[data-live]")) {
    setInterval(() => {
      if (document.visibilityState === "visible" && !busy(part) && !opened(part)) htmx.trigger(part, "live");
    }, Number(part.dataset.live) * 1000);
  }
})();
