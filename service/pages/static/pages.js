// Saves every tap, and puts the call screen up the moment a sign of an emergency is tapped. Without it the page is a plain form.
"use strict";
(() => {
  const form = document.querySelector("form[data-tap]");
  const screen = document.getElementById("callscreen");
  const status = document.getElementById("status");
  const summary = document.getElementById("summary");
  if (!form) return;
  if (summary) summary.focus();

  const callNow = () => { if (!screen.open) screen.showModal(); };
  document.getElementById("call-close").addEventListener("click", () => screen.close());

  const keepNoneAlone = (box) => {
    if (box.type !== "checkbox" || !box.checked) return;
    for (const other of form.querySelectorAll(`input[name="${box.name}"]`)) {
      if (other !== box && (box.value === "none" || other.value === "none")) other.checked = false;
    }
  };

  const save = async (question) => {
    const body = new URLSearchParams({ question });
    // What stands there when it is its turn: of two quick taps the later one is the answer.
    for (const value of new FormData(form).getAll(question)) body.append(question, value);
    try {
      const answer = await fetch(form.dataset.tap, { method: "POST", body, keepalive: true });
      const said = await answer.json();
      status.textContent = said.saved ? form.dataset.saved : form.dataset.unsaved;
      if (said.emergency) callNow();
    } catch {
      status.textContent = form.dataset.unsaved;
    }
  };

  let line = Promise.resolve();
  form.addEventListener("change", (event) => {
    const box = event.target;
    keepNoneAlone(box);
    // Before the network answers: it may not.
    if (box.checked && "emergency" in box.dataset) callNow();
    line = line.then(() => save(box.name));
  });
})();
