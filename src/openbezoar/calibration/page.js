"use strict";
// One row at a time. Every text of a row enters the page as text, never as markup.

const answers = { a: "accept", r: "reject", s: "skip" };
const classes = { answer: "answer", system: "system", "known right answer": "known" };
const byId = (id) => document.getElementById(id);
let shown = { place: null, total: 0, answered: 0 };
let busy = false;
let ending = false;

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function rowOf(view) {
  const about = element("p", "about");
  about.append(`Row ${view.place + 1} of ${view.total}`, element("code", "", view.row));
  if (view.answer) about.append(element("span", `said ${view.answer}`, `you said: ${view.answer}`));
  const sections = view.texts.map(([name, text]) => {
    const section = element("section", classes[name] || "turn");
    section.append(element("h2", "", name), element("div", "text", text));
    return section;
  });
  return [about, ...sections];
}

function end() {
  const box = element("div", "end");
  box.append(element("strong", "", "Every row has an answer."));
  box.append(element("p", "quiet", "Enter ends; the figures are then in the terminal. U takes back the last answer."));
  return [box];
}

function show(view) {
  shown = view;
  document.title = `${view.answered} of ${view.total} · ${view.stage}`;
  byId("stage").textContent = view.stage;
  byId("count").textContent = `${view.answered} of ${view.total} have an answer`;
  byId("progress").value = view.answered;
  byId("progress").max = view.total;
  byId("row").replaceChildren(...(view.place === null ? end() : rowOf(view)));
  byId("alarm").hidden = true;
  byId("question").hidden = view.place === null;
  for (const button of document.querySelectorAll("[data-key]")) {
    button.disabled = view.place === null && button.dataset.key in answers;
  }
  document.body.dataset.place = String(view.place);
  scrollTo(0, 0);
}

function alarm(text, name) {
  byId("alarm").textContent = text;
  byId("alarm").className = name || "";
  byId("alarm").hidden = false;
}

async function ask(action, asked) {
  if (busy) return false;
  busy = true;
  try {
    const reply = await fetch(action, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked),
    });
    if (!reply.ok) {
      alarm(`Not saved: ${await reply.text()}`);
      return false;
    }
    show(await reply.json());
    return true;
  } catch {
    alarm("Not saved: the program in the terminal has stopped. What was saved before is safe; start it again.");
    return false;
  } finally {
    busy = false;
  }
}

async function press(key) {
  const place = shown.place;
  const open = shown.total - shown.answered;
  if (key === "Enter" && open > 0 && !ending) {
    ending = true;
    alarm(`${open} rows have no answer yet. Press Enter again to stop here, or go on.`, "calm");
    return;
  }
  ending = false;
  if (key in answers && place !== null) await ask("answer", { place, answer: answers[key] });
  else if (key === "u") await ask("undo", { place });
  else if (key === "ArrowLeft") await ask("look", { place, step: -1 });
  else if (key === "ArrowRight") await ask("look", { place, step: 1 });
  else if (key === "Enter" && (await ask("done", {}))) finish();
}

function finish() {
  document.onkeydown = null;
  document.querySelector("footer").hidden = true;
  const box = element("div", "end");
  box.append(element("strong", "", "Done."), element("p", "quiet", "The figures are in the terminal; this page can be closed."));
  byId("row").replaceChildren(box);
}

document.onkeydown = (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const ours = key in answers || ["u", "ArrowLeft", "ArrowRight", "Enter"].includes(key);
  if (!ours || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  event.preventDefault();
  press(key);
};
for (const button of document.querySelectorAll("[data-key]")) {
  button.onclick = () => { button.blur(); press(button.dataset.key); };
}
ask("look", {});
